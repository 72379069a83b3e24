import type { MigrationStorage } from "@mikro-orm/migrations";
import type { SqlEntityManager } from "@mikro-orm/postgresql";
import { migrations } from "@taskwire/migrations";
import { OperatorError } from "../errors.ts";
import { runStatement, statementsOf, stepsOf, tablesCreatedBy } from "./migration-statements.ts";
import { storageIn, transactionally } from "./migration-transaction.ts";
import { applyOnline } from "./online-migration.ts";
import type { Orm } from "./orm.ts";

/** Identifies the lock that only these migrations use: "taskwire" on a phone's keypad. */
const advisoryLockId = 82_759_473;

/** Takes the lock of the migrations: of two deployments at once, the second waits and then has nothing to apply. */
const lock = async (em: SqlEntityManager): Promise<void> => {
  await em.execute("set local lock_timeout = '60s'");
  await em.execute("set local idle_in_transaction_session_timeout = 0");
  await em.execute("select pg_advisory_xact_lock(?)", [advisoryLockId]);
  await em.execute("set local lock_timeout = '200ms'");
};

interface Planned {
  name: string;
  statements: string[];
}

const pendingIn = async (orm: Orm, storage: MigrationStorage): Promise<Planned[]> => {
  await storage.ensureTable();
  const applied = new Set(await storage.executed());
  const pending = migrations.filter(({ name }) => !applied.has(name));
  return pending.map((known) => ({
    name: known.name,
    statements: statementsOf(orm, known, "up"),
  }));
};

/**
 * Applies all pending migrations, and returns their names, oldest first. Unless one builds an index on a table
 * with rows, or changes all its rows, this is one transaction: if one fails, none is applied. Otherwise each step is one,
 * and the next run continues.
 */
export const migrateUp = (orm: Orm): Promise<string[]> =>
  transactionally(orm, async (em) => {
    await lock(em);
    const storage = storageIn(em);
    const pending = await pendingIn(orm, storage);
    const empty = tablesCreatedBy(pending.flatMap(({ statements }) => statements));
    const planned = pending.map(({ name, statements }) => ({
      name,
      steps: stepsOf(statements, empty),
    }));
    const isOnline = planned.some(({ steps }) => steps.some((step) => !("statements" in step)));
    if (isOnline && !orm.embedded) {
      if (orm.pooler === true) {
        throw new OperatorError(
          "Applied nothing: indexes and rows of existing tables are changed outside of one transaction, which a connection pooler does not allow. Set DATABASE_URL to PostgreSQL's own address for this command.",
        );
      }
      return applyOnline(orm, planned);
    }
    for (const { name, statements } of pending) {
      for (const statement of statements) await runStatement(em, statement);
      await storage.logMigration({ name });
    }
    return pending.map(({ name }) => name);
  });

/** Returns the newest applied migration that this version knows, and the statements that revert it. */
const newestApplied = async (
  orm: Orm,
  em: SqlEntityManager,
): Promise<{ name: string; statements: string[] } | undefined> => {
  const applied = new Set(await storageIn(em).executed());
  const newest = migrations.findLast(({ name }) => applied.has(name));
  if (newest === undefined) return undefined;
  return { name: newest.name, statements: statementsOf(orm, newest, "down") };
};

/** The next migration to revert, without reverting it. */
export const nextDown = (orm: Orm): ReturnType<typeof newestApplied> =>
  transactionally(orm, (em) => newestApplied(orm, em));

/** Reverts the newest applied migration. Returns its name, or an empty list if none is applied. */
export const migrateDown = (orm: Orm): Promise<string[]> =>
  transactionally(orm, async (em) => {
    await lock(em);
    const newest = await newestApplied(orm, em);
    if (newest === undefined) return [];
    for (const statement of newest.statements) await em.execute(statement);
    await storageIn(em).unlogMigration({ name: newest.name });
    return [newest.name];
  });
