import { createHash } from "node:crypto";
import { AppError } from "@taskwire/shared";
import { LRUCache } from "lru-cache";
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible";
import { bucketOf } from "./bucket.ts";
import { LimitTrip } from "./limit-trips.ts";
import type { Redis } from "./redis.ts";

/** The rate-limited endpoints of CONTRACT.md, "Sign-in". Each has its own budget and setting. */
type Endpoint = "register" | "login" | "refresh";

/** Everything with a budget: "password" is for calls of a signed-in user that hash, and has the limit of sign-ins. */
export type Limited = Endpoint | "password";

/** Seconds in which attempts are counted. */
const minute = 60;
/** Seconds in which wrong passwords are counted. */
const hour = 3600;

/** Wrong passwords per hour for one account from one address, as a multiple of the sign-ins per minute and address. */
const attemptsPerAddress = 4;
/** The same from all addresses together: with the default limit the 100 that NIST SP 800-63B allows an account. */
const attemptsPerAccount = 20;

/** Keys in the memory of one limiter, 0.7 kB each. Beyond that, the least recently used key is dropped. */
const maxKeys = 20_000;

/** Refreshes of one session, as a multiple of the failed ones of one address: several tabs share a session. */
const refreshesPerSession = 6;

/** Milliseconds that a window in Redis may be longer than Redis reports, because it reports whole milliseconds. */
const slack = 5;

/** Every budget, with the name of its keys in Redis. */
const redisNames = {
  register: "register",
  login: "login",
  refresh: "refresh",
  refreshesOfSession: "session",
  passwordsOfUser: "hash-user",
  passwordsOfAddress: "hash-address",
  attemptsFromAddress: "password",
  attemptsOnAccount: "account",
} as const;

type BudgetName = keyof typeof redisNames;

/** The result of taking a point from a budget. */
interface Point {
  /** Milliseconds until the budget has points again; 0 if it had one. */
  wait: number;
  refund: () => void;
  /** The trip, if it had none. */
  trip: () => LimitTrip;
}

type Budget = (key: string) => Promise<Point>;

/**
 * Creates a budget of points for each key. All processes share it while Redis is available. Each process counts in its
 * memory too and applies the same limit there, so that no client gets more points when Redis fails or loses its data.
 * @param duration seconds after which a key has all its points again
 */
const createBudget = (
  name: BudgetName,
  points: number,
  duration: number,
  redis?: Redis,
): Budget => {
  const options = { keyPrefix: `taskwire:${redisNames[name]}`, points, duration };
  const local = new RateLimiterMemory(options);
  const keys = new LRUCache<string, true>({
    max: maxKeys,
    dispose: (_, key) => void local.delete(key),
  });
  const shared = redis && {
    redis,
    limiter: new RateLimiterRedis({ ...options, storeClient: redis.client }),
  };
  const waitOf = ({ consumedPoints, msBeforeNext }: RateLimiterRes, extra = 0): number =>
    consumedPoints > points ? Math.min(msBeforeNext + extra, duration * 1000) : 0;

  return async (key) => {
    keys.set(key, true);
    const [inMemory, inRedis] = await Promise.all([
      local.penalty(key),
      shared?.redis.attempt(() => shared.limiter.penalty(key)),
    ]);
    return {
      trip: () => new LimitTrip(name, key),
      wait: Math.max(waitOf(inMemory), inRedis === undefined ? 0 : waitOf(inRedis, slack)),
      refund: () => {
        void local.reward(key);
        // Not awaited: a later attempt uses the same connection, so Redis counts it after this.
        if (inRedis !== undefined) void shared?.redis.attempt(() => shared.limiter.reward(key));
      },
    };
  };
};

/**
 * Takes a point from each budget, or from none of them.
 * @returns a function that refunds the points
 * @throws {AppError} RATE_LIMIT_EXCEEDED
 */
const take = async (...pending: Promise<Point>[]): Promise<() => void> => {
  const points = await Promise.all(pending);
  const refund = (): void => {
    for (const point of points) point.refund();
  };
  const [max] = points.toSorted((a, b) => b.wait - a.wait);
  if (max === undefined || max.wait === 0) return refund;
  // A rejected attempt is not counted, so that a client that waits for Retry-After is accepted.
  refund();
  const retryAfter = Math.ceil(max.wait / 1000);
  throw new AppError("RATE_LIMIT_EXCEEDED", { retryAfter, cause: max.trip() });
};

export interface RateLimits {
  /**
   * Counts one call of an endpoint.
   * @param address the client's address as the server sees it
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next attempt, 1 to 60
   */
  consume: (name: Endpoint, address: string) => Promise<void>;
  /**
   * Counts one call of a signed-in user that hashes a password, by user and by address, whether the password is correct
   * or not.
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next attempt, 1 to 60
   */
  consumePassword: (user: string, address: string) => Promise<void>;
  /**
   * Counts one refresh of a session.
   * @param session the id in a verified refresh token, so that no other client can use up its points
   * @returns a function that refunds the point, for a refresh that reached no decision
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next attempt, 1 to 60
   */
  takeRefresh: (session: string) => Promise<() => void>;
  /**
   * Counts one password attempt. It counts before the password is verified, so that concurrent attempts count too.
   * @param account the normalised e-mail address; it may be invalid or belong to no account
   * @param address the client's address as the server sees it
   * @param isKnown whether the account has signed in from this address before. Then only the limit of account and address
   *   applies, so that attempts from other addresses cannot lock the owner out.
   * @returns a function that refunds the attempt, for a correct password
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next attempt, 1 to 3600
   */
  takePasswordAttempt: (account: string, address: string, isKnown: boolean) => Promise<() => void>;
}

/**
 * Creates the limits of CONTRACT.md, "Sign-in", and those of password attempts, which grow with the limit of sign-ins.
 * @param limits calls per minute for each endpoint and address, 1 or more
 * @param redis counts for all processes; without it, each process counts for itself
 */
export const createRateLimits = (
  limits: Readonly<Record<Endpoint, number>>,
  redis?: Redis,
): RateLimits => {
  const calls = {
    register: createBudget("register", limits.register, minute, redis),
    login: createBudget("login", limits.login, minute, redis),
    refresh: createBudget("refresh", limits.refresh, minute, redis),
  };
  const perSession = createBudget(
    "refreshesOfSession",
    refreshesPerSession * limits.refresh,
    minute,
    redis,
  );
  const hashesPerUser = createBudget("passwordsOfUser", limits.login, minute, redis);
  const hashesPerAddress = createBudget("passwordsOfAddress", limits.login, minute, redis);
  const perAddress = createBudget(
    "attemptsFromAddress",
    attemptsPerAddress * limits.login,
    hour,
    redis,
  );
  const perAccount = createBudget(
    "attemptsOnAccount",
    attemptsPerAccount * limits.login,
    hour,
    redis,
  );
  return {
    consume: async (name, address) => {
      await take(calls[name](bucketOf(address)));
    },
    consumePassword: async (user, address) => {
      await take(hashesPerUser(user), hashesPerAddress(bucketOf(address)));
    },
    takeRefresh: (session) => take(perSession(session)),
    takePasswordAttempt: (account, address, isKnown) => {
      // A digest, because the text may have any length, and Redis must not hold e-mail addresses.
      const digest = createHash("sha256").update(account).digest("base64url");
      const fromAddress = perAddress(`${digest}:${bucketOf(address)}`);
      return isKnown ? take(fromAddress) : take(fromAddress, perAccount(digest));
    },
  };
};
