import type { Logger } from "pino";
import type { Orm } from "../db/orm.ts";
import type { PasswordHashing } from "../security/password-hashing.ts";
import { removeExpiredSessions } from "./expired-sessions.ts";
import { hasLegacyHashes } from "./legacy-hash-watch.ts";

/** Milliseconds between two runs. */
const interval = 60_000;

/** Batches per run: after a long downtime, the rest is deleted in the next runs. */
const maxBatches = 20;

/** Rows per batch: a statement that deletes more would hold its locks for longer. */
const batchSize = 1000;

interface HousekeepingDeps {
  orm: Orm;
  clock: () => Date;
  log: Logger;
  passwords: PasswordHashing;
}

/** Runs all periodic work once: checks for legacy password hashes, and deletes expired sessions. Never rejects. */
export const runHousekeeping = async ({
  orm,
  clock,
  log,
  passwords,
}: HousekeepingDeps): Promise<void> => {
  try {
    await passwords.setLegacy(await hasLegacyHashes(orm));
    let removed = 0;
    for (let batch = 1; batch <= maxBatches; batch++) {
      const count = await removeExpiredSessions(orm.em.fork().getKysely(), clock(), batchSize);
      removed += count;
      if (count < batchSize) break;
    }
    if (removed > 0) log.info({ removed }, "Removed expired sessions");
  } catch (error) {
    log.warn({ err: error }, "Housekeeping failed; it runs again in a minute");
  }
};

/** Runs housekeeping now and then every minute, until it is stopped. */
export const startHousekeeping = (deps: HousekeepingDeps): { stop: () => void } => {
  void runHousekeeping(deps);
  const timer = setInterval(() => void runHousekeeping(deps), interval).unref();
  return { stop: () => clearInterval(timer) };
};
