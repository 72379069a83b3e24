import { LRUCache } from "lru-cache";
import type { Identity } from "./tokens.ts";

/** Access tokens that are remembered: about 1 kB each. Beyond that, the least recently used one is verified again. */
const maxTokens = 20_000;

/** A token whose signature and claims are valid. */
interface VerifiedToken {
  identity: Readonly<Identity>;
  /** Seconds since 1970. */
  iat: number;
  exp: number;
}

/** Remembers access tokens, so that only the first use of each costs the verification of a signature. */
export interface VerifiedTokens {
  /** Returns the identity in a remembered token that is still valid in time, or undefined. */
  find: (token: string) => Readonly<Identity> | undefined;
  add: (token: string, verified: VerifiedToken) => void;
}

/**
 * Creates an empty memory. Its key is the whole token, so a token that differs in any character is verified.
 * @param rules in seconds, as jose applies them to a token
 */
export const createVerifiedTokens = (
  { maxAge, clockTolerance }: Readonly<Record<"maxAge" | "clockTolerance", number>>,
  clock: () => Date,
): VerifiedTokens => {
  const tokens = new LRUCache<string, VerifiedToken>({ max: maxTokens });
  return {
    find: (token) => {
      const verified = tokens.get(token);
      if (verified === undefined) return undefined;
      const { identity, iat, exp } = verified;
      const now = Math.floor(clock().getTime() / 1000);
      const age = now - iat;
      const isOfAge = age >= -clockTolerance && age - clockTolerance <= maxAge;
      if (isOfAge && exp > now - clockTolerance) return identity;
      // The full verification finds the right error.
      tokens.delete(token);
      return undefined;
    },
    add: (token, verified) => void tokens.set(token, verified),
  };
};
