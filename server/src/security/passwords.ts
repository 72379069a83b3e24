import { availableParallelism } from "node:os";
import { AppError } from "@taskwire/shared";
import argon2 from "argon2";
import pLimit from "p-limit";

/** OWASP Password Storage: argon2id with 19 MiB, two passes, one lane. */
const parameters = {
  type: argon2.argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} as const;

/** How many may wait for a place; each hash takes about 20 ms, so the last of them waits under a second. */
const longestQueue = 64;

export interface Passwords {
  /**
   * A PHC string for a new password.
   * @throws {AppError} SERVICE_UNAVAILABLE when too many hashes wait
   */
  hash: (password: string, signal?: AbortSignal) => Promise<string>;
  /**
   * Whether the password fits the hash. Without a hash it is computed all the same, and never fits,
   * so that an unknown address takes as long as a wrong password.
   * @throws {AppError} SERVICE_UNAVAILABLE when too many hashes wait
   */
  verify: (password: string, hash: string | undefined, signal?: AbortSignal) => Promise<boolean>;
  /** TODO merged from passwords branch */
  admit: <Result>(work: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>;
  evenOut: (startedAt: number, signal?: AbortSignal) => Promise<void>;
  /** Whether the hash was made with other parameters than today's. */
  isOutdated: (hash: string) => boolean;
}

/** Password hashing, bounded: libuv has four threads, one of which stays free for everything else. */
export const createPasswords = async (): Promise<Passwords> => {
  const limit = pLimit(Math.min(availableParallelism(), 3));
  const bounded = <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (limit.pendingCount >= longestQueue) {
      return Promise.reject(new AppError("SERVICE_UNAVAILABLE", { retryAfter: 1 }));
    }
    return limit(work);
  };
  const hash = (password: string) => bounded(() => argon2.hash(password, parameters));
  const nobodys = await hash(crypto.randomUUID());
  return {
    admit: (work) => work(),
    evenOut: async () => {},
    hash,
    verify: async (password, stored) => {
      const fits = await bounded(() => argon2.verify(stored ?? nobodys, password));
      return fits && stored !== undefined;
    },
    isOutdated: (stored) => argon2.needsRehash(stored, parameters),
  };
};
