import { setTimeout } from "node:timers/promises";

/** The floor as a multiple of the measured time, because a hash takes longer on a busy machine. */
const margin = 1.5;

/**
 * The minimum time of a failed verification. bcrypt is several times slower than argon2id, so while any account has a
 * bcrypt hash, the time of a failure would show whether an address has such an account. The floor hides that.
 */
export interface TimingFloor {
  /**
   * Switches the floor on while any account has a bcrypt hash, else off. Resolves when a bcrypt hash has been measured,
   * which happens once.
   */
  setLegacy: (exists: boolean) => Promise<void>;
  /**
   * Runs a verification, and delays its result until the floor if it is false.
   * @param verification calls `markStarted` when its hash leaves the queue and starts
   */
  apply: (verification: (markStarted: () => void) => Promise<boolean>) => Promise<boolean>;
}

/** A clock in milliseconds. */
export interface Clock {
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
}

const systemClock: Clock = { now: () => performance.now(), sleep: (ms) => setTimeout(ms) };

/**
 * Creates a floor, which is off at first.
 * @param measure returns the milliseconds of the slowest hash
 * @param clock replaces the system's clock in tests
 */
export const createTimingFloor = (
  measure: () => Promise<number>,
  clock = systemClock,
): TimingFloor => {
  /** Milliseconds that are longer than any verification; 0 while all take equally long. */
  let floor = 0;
  let measured: Promise<number> | undefined;
  return {
    setLegacy: async (exists) => {
      if (exists) measured ??= measure();
      floor = exists && measured !== undefined ? margin * (await measured) : 0;
    },
    apply: async (verification) => {
      const calledAt = clock.now();
      let startedAt = calledAt;
      const isValid = await verification(() => (startedAt = clock.now()));
      if (isValid || floor === 0) return isValid;
      // Counted from the start, so that time in the queue does not use up the floor; and counted from the call, so that
      // a short time in the queue, which would show that the hash before this one was slow, stays hidden.
      const rest = Math.max(startedAt + floor, calledAt + 2 * floor) - clock.now();
      if (rest > 0) await clock.sleep(rest);
      return isValid;
    },
  };
};
