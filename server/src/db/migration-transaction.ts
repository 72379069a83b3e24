import { setTimeout as sleep } from "node:timers/promises";
import { MigrationStorage } from "@mikro-orm/migrations";
import type { SqlEntityManager } from "@mikro-orm/postgresql";
import { OperatorError } from "../errors.ts";
import { isLockTimeout } from "./failures.ts";
import type { Orm } from "./orm.ts";

/** Milliseconds between two attempts to get a lock, and for all of them. */
const retry = { pause: 500, total: 60_000 };

/** The applied migrations, read and written in a transaction. */
export const storageIn = (em: SqlEntityManager): MigrationStorage => {
  const storage = new MigrationStorage(em.getDriver(), em.config.get("migrations"));
  storage.setMasterMigration(em.getTransactionContext());
  return storage;
};

/**
 * Runs work in a transaction that waits only shortly for the lock of a table: while it waits for a longer transaction, all
 * writes to that table wait behind it. If it does not get the lock, it rolls back and tries again, for a minute.
 */
export const transactionally = async <Result>(
  orm: Orm,
  work: (em: SqlEntityManager) => Promise<Result>,
): Promise<Result> => {
  const end = performance.now() + retry.total;
  for (;;) {
    try {
      return await orm.em.fork().transactional(async (em) => {
        await em.execute("set local statement_timeout = 0");
        await em.execute("set local lock_timeout = '200ms'");
        return work(em);
      });
    } catch (error) {
      const isFinal = error instanceof OperatorError || !isLockTimeout(error);
      if (isFinal || performance.now() > end) throw error;
      await sleep(retry.pause);
    }
  }
};
