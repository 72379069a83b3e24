import { hasLegacyHashes } from "./db/legacy-hashes.ts";
import type { Deps } from "./deps.ts";
import { removeExpiredSessions } from "./services/session-cleanup.ts";

/** Milliseconds between two rounds. */
const interval = 60_000;

/** Batches in one round at most: a long absence is made up for in several. */
const mostBatches = 20;

/** Rows in a batch. */
const batch = 1000;

/** One round of what has to be done now and then, whoever calls. */
export const keepHouse = async ({ orm, clock, log, passwords }: Deps): Promise<void> => {
  try {
    await passwords.setLegacy(await hasLegacyHashes(orm));
    let removed = 0;
    for (let round = 1; round <= mostBatches; round++) {
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
export const startHousekeeping = (deps: Deps): { stop: () => void } => {
  void keepHouse(deps);
  const timer = setInterval(() => void keepHouse(deps), interval).unref();
  return { stop: () => clearInterval(timer) };
};
