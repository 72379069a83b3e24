import { faces } from "./faces.ts";
import { type Lane, type Outcome, startLane } from "./lane.ts";

/** Several users who call at the same time, over both faces in turn. */
export interface Traffic {
  /** How many users there are. */
  size: number;
  /** Every call so far. */
  outcomes: Outcome[];
  /** What must never be, a sentence each. */
  wrong: string[];
  /** Whether each user has had five successes, one after the other, since the given time. */
  isNormalSince: (time: number) => boolean;
  stop: () => Promise<void>;
  /** Reads everything back, when it has stopped; adds to `wrong` what is not as it was acknowledged. */
  check: () => Promise<void>;
}

interface TrafficOptions {
  size: number;
  /** Where the next call goes. */
  url: () => string;
  /** From 0 to 1, without 1. */
  random?: () => number;
  /** Milliseconds between an answer and the same user's next call. */
  pause: number;
}

/** Signs the users up, and lets them call until it is stopped. */
export const startTraffic = async (options: TrafficOptions): Promise<Traffic> => {
  const { size, url, pause, random = Math.random } = options;
  const outcomes: Outcome[] = [];
  const wrong: string[] = [];
  const latest = Array.from({ length: size }, (): Outcome[] => []);
  const lanes = await Promise.all(
    latest.map((own, index): Promise<Lane> => {
      const [rest, rpc] = faces;
      const face = index % 2 === 0 ? rest : rpc;
      if (face === undefined) throw new Error("No face");
      const told = (outcome: Outcome): void => {
        outcomes.push(outcome);
        own.unshift(outcome);
        own.length = Math.min(own.length, 5);
      };
      return startLane({ url, face, random, pause, told, wrong: (each) => void wrong.push(each) });
    }),
  );
  return {
    size,
    outcomes,
    wrong,
    isNormalSince: (time) =>
      latest.every(
        (own) => own.length === 5 && own.every(({ at, code }) => at >= time && code === undefined),
      ),
    stop: async () => {
      await Promise.all(lanes.map((lane) => lane.stop()));
    },
    check: async () => {
      const checks = await Promise.all(lanes.map((lane) => lane.check()));
      wrong.push(...checks.flat());
    },
  };
};
