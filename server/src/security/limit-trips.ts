import { LRUCache } from "lru-cache";
import type { Limit } from "../log/events.ts";

/** Milliseconds in which a limit is logged once for each key, so that a flood of calls does not fill the log. */
const interval = 60_000;

/** Keys in memory, 0.2 kB each. */
const maxKeys = 20_000;

/** The cause of RATE_LIMIT_EXCEEDED, for the log only. No Error, because creating its stack costs more than the rejection. */
export class LimitTrip {
  readonly limit: Limit;
  /** What the limit counts by. It may be a digest of an e-mail address, and is not logged. */
  readonly key: string;

  constructor(limit: Limit, key: string) {
    this.limit = limit;
    this.key = key;
  }
}

/** Creates a function that returns true for the first trip of a limit and key in a minute. */
export const createTripFilter = (clock: () => Date): ((trip: LimitTrip) => boolean) => {
  const loggedAt = new LRUCache<string, number>({ max: maxKeys });
  return ({ limit, key }) => {
    const name = `${limit}:${key}`;
    const now = clock().getTime();
    if (now - (loggedAt.get(name) ?? -Infinity) < interval) return false;
    loggedAt.set(name, now);
    return true;
  };
};
