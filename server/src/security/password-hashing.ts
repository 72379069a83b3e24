import argon2 from "argon2";
import bcrypt from "bcrypt";
import { createHashSlots, type HashSlots } from "./hash-slots.ts";
import { createTimingFloor, type TimingFloor } from "./timing-floor.ts";

/** The cost of a hash, as OWASP Password Storage recommends: argon2id with 19 MiB, two passes, no parallelism. */
const owasp = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The bcrypt rounds of the accounts that were imported from the earlier backend. */
const legacyRounds = 12;

/** The bcrypt hashes that `verify` accepts, and so the only ones that an import may contain. */
export const bcryptHash = /^\$2[ab]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/;

export interface PasswordHashing
  extends Pick<HashSlots, "assertCapacity" | "withSlot" | "slots">, Pick<TimingFloor, "setLegacy"> {
  /**
   * Hashes a new password.
   * @returns a PHC string
   * @throws {AppError} SERVICE_UNAVAILABLE when too many hashes wait, or the signal aborts before this one started
   */
  hash: (password: string, signal?: AbortSignal) => Promise<string>;
  /**
   * Returns whether the password matches the argon2 or bcrypt hash. Without a hash it computes one all the same and
   * returns false, so that an unknown address takes as long as a wrong password (CONTRACT.md, "Sign-in").
   * @throws {AppError} SERVICE_UNAVAILABLE when too many hashes wait, or the signal aborts before this one started
   */
  verify: (password: string, hash: string | undefined, signal?: AbortSignal) => Promise<boolean>;
  /**
   * Returns whether to replace the hash that a password matches: it has another algorithm or other parameters than a new
   * one would have, and it proves the whole password.
   */
  needsRehash: (password: string, hash: string) => boolean;
}

/** bcrypt ignores all further bytes of a password. */
const bcryptMaxBytes = 72;

const measureBcrypt = async (): Promise<number> => {
  const startedAt = performance.now();
  await bcrypt.hash("", legacyRounds);
  return performance.now() - startedAt;
};

/**
 * Creates password hashing with argon2id. It verifies bcrypt hashes of imported accounts, too.
 * @param cost KiB of memory, passes and parallelism; tests use less than the default
 */
export const createPasswordHashing = async (
  cost = owasp,
  slots = createHashSlots(),
): Promise<PasswordHashing> => {
  const parameters = { type: argon2.argon2id, ...cost } as const;
  const floor = createTimingFloor(() => slots.runOwnHash(measureBcrypt));
  /** The hash of a password that is not known to anyone, for accounts that do not exist. */
  const unmatchable = await slots.runOwnHash(() => argon2.hash(crypto.randomUUID(), parameters));

  const compare = async (password: string, stored = ""): Promise<boolean> => {
    if (bcryptHash.test(stored)) return bcrypt.compare(password, stored);
    const isArgon2 = stored.startsWith("$argon2");
    return (await argon2.verify(isArgon2 ? stored : unmatchable, password)) && isArgon2;
  };

  return {
    assertCapacity: slots.assertCapacity,
    withSlot: slots.withSlot,
    slots: slots.slots,
    setLegacy: floor.setLegacy,
    hash: (password, signal) => slots.runHash(() => argon2.hash(password, parameters), signal),
    verify: (password, stored, signal) =>
      floor.apply((markStarted) =>
        slots.runHash(() => {
          markStarted();
          return compare(password, stored);
        }, signal),
      ),
    needsRehash: (password, stored) =>
      bcryptHash.test(stored)
        ? // From 72 bytes on, the user's password may go on differently: a new hash would reject it.
          Buffer.byteLength(password) < bcryptMaxBytes
        : argon2.needsRehash(stored, parameters),
  };
};
