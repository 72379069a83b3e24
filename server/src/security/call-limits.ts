import { AppError } from "@taskwire/shared";
import { LRUCache } from "lru-cache";
import { bucketOf } from "./bucket.ts";
import { LimitTrip } from "./limit-trips.ts";

/** Milliseconds in which an empty bucket fills again. */
const minute = 60_000;

/** Keys in memory, 0.2 kB each. Beyond that, the least recently used bucket is dropped. */
const maxKeys = 20_000;

/** Milliseconds by which the sum of many fractions may be wrong. */
const rounding = 0.001;

/** Takes one token. Returns the milliseconds until the bucket has one, or 0 if it had one. */
type Buckets = (key: string) => number;

/**
 * Creates a token bucket for each key, which fills continuously. The libraries for rate limits count in windows; this is
 * one number for each key: the time at which its bucket is full again.
 * @param perMinute the tokens of a full bucket; 0 for no limit
 */
const createBuckets = (perMinute: number, clock: () => Date): Buckets => {
  if (perMinute === 0) return () => 0;
  const interval = minute / perMinute;
  const fullAt = new LRUCache<string, number>({ max: maxKeys });
  // Counted from the start, because a fraction added to the milliseconds since 1970 would be rounded.
  const start = clock().getTime();
  return (key) => {
    const now = clock().getTime() - start;
    // At most empty: a clock that was set back must not lock a client out for longer.
    const full = Math.min(Math.max(fullAt.get(key) ?? now, now), now + minute);
    const wait = full + interval - now - minute;
    if (wait > rounding) return wait;
    fullAt.set(key, full + interval);
    return 0;
  };
};

const assertNoWait = (wait: number, limit: "callsOfUser" | "callsOfAddress", key: string): void => {
  if (wait === 0) return;
  const cause = new LimitTrip(limit, key);
  throw new AppError("RATE_LIMIT_EXCEEDED", { retryAfter: Math.ceil(wait / 1000), cause });
};

/** The limits of all calls, in this process's memory: an ordinary call must not wait for Redis. */
export interface CallLimits {
  /**
   * Counts a call of a client address.
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next call is accepted, 1 to 60
   */
  consumeAddress: (address: string) => void;
  /**
   * Counts a call of a signed-in user.
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next call is accepted, 1 to 60
   */
  consumeUser: (user: string) => void;
}

/**
 * Creates the limits.
 * @param limits calls per minute, 0 for no limit
 */
export const createCallLimits = (
  { perUser, perAddress }: Readonly<Record<"perUser" | "perAddress", number>>,
  clock: () => Date,
): CallLimits => {
  const ofAddress = createBuckets(perAddress, clock);
  const ofUser = createBuckets(perUser, clock);
  return {
    consumeAddress: (address) => {
      if (perAddress === 0) return;
      const bucket = bucketOf(address);
      assertNoWait(ofAddress(bucket), "callsOfAddress", bucket);
    },
    consumeUser: (user) => assertNoWait(ofUser(user), "callsOfUser", user),
  };
};
