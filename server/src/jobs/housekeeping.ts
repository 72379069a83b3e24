import { hasLegacyHashes } from "./legacy-hash-watch.ts";
import type { Logger } from "pino";
import type { Orm } from "../db/orm.ts";
import type { PasswordHashing } from "../security/password-hashing.ts";
import { removeExpiredSessions } from "./expired-sessions.ts";

/** Milliseconds between two rounds. */
const interval = 60_000;

/** Batches in one round at most: a long absence is made up for in several. */
const maxBatches = 20;

/** Rows in a batch. */
const batch = 1000;

/** What housekeeping needs of the server's parts. */
interface HousekeepingDeps {
  orm: Orm;
  clock: () => Date;
  log: Logger;
  passwords: PasswordHashing;
}

/** One round of what has to be done now and then, whoever calls. */
export const runHousekeeping = async ({
  orm,
  clock,
  log,
  passwords,
}: HousekeepingDeps): Promise<void> => {
  try {
    await passwords.setLegacy(await hasLegacyHashes(orm));
    let removed = 0;
    for (let round = 1; round <= maxBatches; round++) {
      const count = await removeExpiredSessions(orm.em.fork().getKysely(), clock(), batch);
      removed += count;
      if (count < batch) break;
    }
    if (removed > 0) log.info({ removed }, "Removed expired sessions");
  } catch (error) {
    log.warn({ err: error }, "Housekeeping is put off");
  }
};

/** Keeps house now and every minute until it is stopped. */
export const startHousekeeping = (deps: HousekeepingDeps): { stop: () => void } => {
  void runHousekeeping(deps);
  const timer = setInterval(() => void runHousekeeping(deps), interval).unref();
  return { stop: () => clearInterval(timer) };
};
