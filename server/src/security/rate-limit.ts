import { AppError } from "@taskwire/shared";
import ipaddr from "ipaddr.js";
import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from "rate-limiter-flexible";

/** What is limited: the contract's three endpoints, each with a budget of its own. */
export type Limited = "register" | "login" | "refresh";

/** Seconds; the contract counts attempts in a minute. */
const duration = 60;

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

export interface RateLimits {
  /**
   * Counts one attempt.
   * @param address the client's address as the server sees it
   * @throws {AppError} RATE_LIMIT_EXCEEDED with the seconds until the next attempt
   */
  consume: (name: Limited, address: string) => Promise<void>;
  /** TODO merged from limits branch */
  guess: (account: string, address: string, isKnown: boolean) => Promise<() => Promise<void>>;
}

/**
 * The limits of CONTRACT.md, "Sign-in".
 * @param points attempts a minute for each endpoint and address, 1 or more
 */
export const createRateLimits = (points: Readonly<Record<Limited, number>>): RateLimits => {
  const limiter = (name: Limited): RateLimiterAbstract =>
    new RateLimiterMemory({ keyPrefix: name, points: points[name], duration });
  const limiters = {
    register: limiter("register"),
    login: limiter("login"),
    refresh: limiter("refresh"),
  };
  return {
    guess: async () => async () => {},
    consume: async (name, address) => {
      try {
        await limiters[name].consume(bucketOf(address));
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        const seconds = Math.min(duration, Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
        throw new AppError("RATE_LIMIT_EXCEEDED", { retryAfter: seconds });
      }
    },
  };
};
