import { createHash } from "node:crypto";
import { AppError } from "@taskwire/shared";
import ipaddr from "ipaddr.js";
import { LRUCache } from "lru-cache";
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible";
import type { Redis } from "./redis.ts";

/** What is limited: the contract's three endpoints, each with a budget of its own. */
export type Limited = "register" | "login" | "refresh";

/** Seconds; the contract counts attempts in a minute. */
const minute = 60;
/** Seconds in which wrong passwords are counted. */
const hour = 3600;

/** Wrong passwords an hour for an account from one address, for each sign-in a minute that an address may try. */
const guessesFromAddress = 4;
/** The same from all addresses together: by default the 100 that NIST SP 800-63B allows an account. */
const guessesOnAccount = 20;

/** For each limiter; 0.7 kB each. Beyond it, who has not tried for longest is forgotten. */
const maxKeys = 20_000;

/** Milliseconds that a window in Redis may be longer than Redis says, which counts in whole ones. */
const slack = 5;

/**
 * The bucket of a client address: IPv6 by its /64 (one subscriber has all of it), an IPv4-mapped address as the
 * IPv4 it is, and whatever is no address in one bucket for all.
 */
export const bucketOf = (address: string): string => {
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`;
};

/** A point taken from a budget. */
interface Point {
  /** Milliseconds until there is one to take; 0 if this one was. */
  wait: number;
  refund: () => void;
}

type Budget = (key: string) => Promise<Point>;

/**
 * So many points for each key, anew after so many seconds. All processes together have them while Redis is there; each
 * process counts its own as well, and grants no more by itself, so that a Redis that goes or forgets gives nobody more.
 */
const createBudget = (name: string, points: number, duration: number, redis?: Redis): Budget => {
  const options = { keyPrefix: `taskwire:${name}`, points, duration };
  const own = new RateLimiterMemory(options);
  const keys = new LRUCache<string, true>({
    max: maxKeys,
    dispose: (_, key) => void own.delete(key),
  });
  const shared = redis && {
    redis,
    limiter: new RateLimiterRedis({ ...options, storeClient: redis.client }),
  };
  const waitOf = ({ consumedPoints, msBeforeNext }: RateLimiterRes, more = 0): number =>
    consumedPoints > points ? Math.min(msBeforeNext + more, duration * 1000) : 0;

  return async (key) => {
    keys.set(key, true);
    const [here, everywhere] = await Promise.all([
      own.penalty(key),
      shared?.redis.attempt(() => shared.limiter.penalty(key)),
    ]);
    return {
      wait: Math.max(waitOf(here), everywhere === undefined ? 0 : waitOf(everywhere, slack)),
      refund: () => {
        void own.reward(key);
        // Nobody waits for it: a later attempt asks through the same connection.
        if (everywhere !== undefined) void shared?.redis.attempt(() => shared.limiter.reward(key));
      },
    };
  };
};

/** Takes a point from each budget, or from none. */
const take = async (...asked: Promise<Point>[]): Promise<() => void> => {
  const points = await Promise.all(asked);
  const refund = (): void => {
    for (const point of points) point.refund();
  };
  const wait = Math.max(...points.map((point) => point.wait));
  if (wait === 0) return refund;
  // A refused attempt is not counted: whoever waited as long as told must not find it full again.
  refund();
  throw new AppError("RATE_LIMIT_EXCEEDED", { retryAfter: Math.ceil(wait / 1000) });
};

export interface RateLimits {
  /**
   * Counts one attempt.
   * @param address the client's address as the server sees it
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next attempt, 1 to 60
   */
  consume: (name: Limited, address: string) => Promise<void>;
  /**
   * Counts one guess of a password, before it is checked: guesses made at once are then counted too.
   * @param account the e-mail address, normalised; it need not be one, and nobody need have it
   * @param address the client's address as the server sees it
   * @param isKnown whether the account has signed in from there before: others' guesses do not lock it out there
   * @returns takes the guess back, once it has proved right
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next guess, 1 to 3600
   */
  takePasswordAttempt: (account: string, address: string, isKnown: boolean) => Promise<() => void>;
}

/**
 * The limits of CONTRACT.md, "Sign-in", and those of guesses, which grow with that of sign-ins.
 * @param limits attempts a minute for each endpoint and address, 1 or more
 * @param redis where they are counted for all processes; without it, this process counts for itself
 */
export const createRateLimits = (
  limits: Readonly<Record<Limited, number>>,
  redis?: Redis,
): RateLimits => {
  const attempts = {
    register: createBudget("register", limits.register, minute, redis),
    login: createBudget("login", limits.login, minute, redis),
    refresh: createBudget("refresh", limits.refresh, minute, redis),
  };
  const fromAddress = createBudget("guess", guessesFromAddress * limits.login, hour, redis);
  const onAccount = createBudget("account", guessesOnAccount * limits.login, hour, redis);
  return {
    consume: async (name, address) => {
      await take(attempts[name](bucketOf(address)));
    },
    takePasswordAttempt: (account, address, isKnown) => {
      // Of any length, and nobody else's to read: Redis is given its digest.
      const digest = createHash("sha256").update(account).digest("base64url");
      const local = fromAddress(`${digest}:${bucketOf(address)}`);
      return isKnown ? take(local) : take(local, onAccount(digest));
    },
  };
};
