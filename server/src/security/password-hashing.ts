import { availableParallelism } from "node:os";
import { setTimeout } from "node:timers/promises";
import { AppError } from "@taskwire/shared";
import argon2 from "argon2";
import bcrypt from "bcrypt";
import PQueue from "p-queue";

/** What a hash costs. OWASP Password Storage: argon2id with 19 MiB, two passes, one lane. */
const owasp = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** What accounts of the backend before this one were hashed with. */
const legacyRounds = 12;

/** The bcrypt hashes that sign in: what an imported file may have in it, as well. */
export const bcryptHash = /^\$2[ab]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/;

/** How many may wait for a place; each hash takes about 20 ms, so the last of them waits about a second. */
const maxQueued = 64;

export interface PasswordHashing {
  /**
   * Refuses while `withSlot` would, for who can ask before anything else is done.
   * @throws {AppError} SERVICE_UNAVAILABLE
   */
  assertCapacity: () => void;
  /**
   * Lets a bounded number of callers in at once, so that the surplus is refused before it costs a query.
   * When the signal aborts, the place is free again at once, whatever the work still does.
   * @throws {AppError} SERVICE_UNAVAILABLE when too many are in, or the signal aborts; else what the work throws
   */
  withSlot: <Result>(work: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>;
  /**
   * A PHC string for a new password.
   * @throws {AppError} SERVICE_UNAVAILABLE when too many hashes wait, or the signal aborts before this one began
   */
  hash: (password: string, signal?: AbortSignal) => Promise<string>;
  /**
   * Whether the password fits the hash, argon2 or bcrypt. Without a hash one is computed all the same, and never
   * fits, so that an unknown address takes as long as a wrong password.
   * @throws {AppError} SERVICE_UNAVAILABLE when too many hashes wait, or the signal aborts before this one began
   */
  verify: (password: string, hash: string | undefined, signal?: AbortSignal) => Promise<boolean>;
  /** Whether the hash was made with another algorithm or other parameters than today's. */
  isOutdated: (hash: string) => boolean;
  /**
   * Tells whether any account has a bcrypt hash. bcrypt is several times slower than argon2id: as long as there are
   * such accounts, whatever does not fit is told only after a time that both stay below.
   */
  setLegacy: (exists: boolean) => Promise<void>;
}

const busy = () => new AppError("SERVICE_UNAVAILABLE", { retryAfter: 1 });

/**
 * Password hashing, bounded: one core stays free for everything else, and so does one of libuv's four threads.
 * @param cost of a hash: KiB of memory, passes and lanes; less than the default is for tests
 * @param concurrency hashes at once, 1 or more
 */
export const createPasswordHashing = async (
  cost = owasp,
  concurrency = Math.max(1, Math.min(availableParallelism() - 1, 3)),
): Promise<PasswordHashing> => {
  const parameters = { type: argon2.argon2id, ...cost } as const;
  const places = new PQueue({ concurrency: concurrency + maxQueued });
  const hashes = new PQueue({ concurrency });

  const bounded = <Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> => {
    if (hashes.size >= maxQueued || signal?.aborted) return Promise.reject(busy());
    const waiting = new AbortController();
    const leave = (): void => waiting.abort(busy());
    signal?.addEventListener("abort", leave, { once: true });
    // Nothing stops a hash that has begun: were its slot free before it ends, the threads would be taken after all.
    const begin = (): Promise<Result> => {
      signal?.removeEventListener("abort", leave);
      return work();
    };
    return hashes.add(begin, { signal: waiting.signal });
  };

  const isFull = () => places.pending >= places.concurrency;

  const withSlot: PasswordHashing["withSlot"] = (work, signal) => {
    if (isFull() || signal?.aborted) return Promise.reject(busy());
    const inside = new AbortController();
    signal?.addEventListener("abort", () => inside.abort(busy()), { once: true });
    return places.add(work, { signal: inside.signal });
  };

  const hash: PasswordHashing["hash"] = (password, signal) =>
    bounded(() => argon2.hash(password, parameters), signal);
  const nobodys = await hash(crypto.randomUUID());

  const compare = async (password: string, stored = ""): Promise<boolean> => {
    if (bcryptHash.test(stored)) return bcrypt.compare(password, stored);
    const known = stored.startsWith("$argon2");
    return (await argon2.verify(known ? stored : nobodys, password)) && known;
  };

  /** Milliseconds within which every verification ends; 0 while all take equally long. */
  let longest = 0;

  const verify: PasswordHashing["verify"] = async (password, stored, signal) => {
    const called = performance.now();
    let began = called;
    const fits = await bounded(() => {
      began = performance.now();
      return compare(password, stored);
    }, signal);
    // From its begin, so that a wait in the queue does not use the time up; and from the call, so that a short wait,
    // which would tell whether somebody else's hash was slow, does not show.
    const rest = Math.max(began + longest, called + 2 * longest) - performance.now();
    if (!fits && longest > 0 && rest > 0) await setTimeout(rest);
    return fits;
  };

  const measure = async (): Promise<number> => {
    const began = performance.now();
    await bcrypt.hash("", legacyRounds);
    return performance.now() - began;
  };

  let measured: Promise<number> | undefined;
  return {
    assertCapacity: () => {
      if (isFull()) throw busy();
    },
    withSlot,
    hash,
    verify,
    isOutdated: (stored) => bcryptHash.test(stored) || argon2.needsRehash(stored, parameters),
    setLegacy: async (exists) => {
      if (exists) measured ??= hashes.add(measure);
      longest = exists && measured !== undefined ? 1.5 * (await measured) : 0;
    },
  };
};
