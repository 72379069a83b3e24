import { PGlite } from "@electric-sql/pglite";
import { migrations } from "@taskwire/migrations";
import { openPglite } from "./embedded/pglite.ts";
import type { Orm } from "./orm.ts";

/** "taskwire" on a phone's keys: one number that only our migrations lock. */
const advisoryLock = 82_759_473;

/**
 * Two deploys at once migrate once: the second waits for the first, and then finds nothing pending. An embedded
 * database has one process and one connection: its directory's lock is enough, and a second transaction would hang.
 */
const locked = async (orm: Orm, run: () => Promise<{ name: string }[]>): Promise<string[]> => {
  const namesOfRun = async () => (await run()).map(({ name }) => name);
  if (orm.embedded) return namesOfRun();
  return orm.em.fork().transactional(async (em) => {
    await em.execute("set local lock_timeout = '60s'");
    await em.execute("set local idle_in_transaction_session_timeout = 0");
    await em.execute("select pg_advisory_xact_lock(?)", [advisoryLock]);
    return namesOfRun();
  });
};

/** Applies what is pending, all or nothing; gives the names, oldest first. */
export const migrateUp = (orm: Orm): Promise<string[]> => locked(orm, () => orm.migrator.up());

/** Reverts the newest applied migration; gives its name, or nothing. */
export const migrateDown = (orm: Orm): Promise<string[]> => locked(orm, () => orm.migrator.down());

/** Every known migration, oldest first, with the time it was applied, if it was. Reads only: the bookkeeping table may be missing. */
export const migrationStatus = async (
  orm: Orm,
): Promise<{ name: string; appliedAt: string | null }[]> => {
  const em = orm.em.fork();
  const [table] = await em.execute<{ present: boolean }[]>(
    "select to_regclass('migrations') is not null as present",
  );
  const rows = table?.present
    ? await em.execute<{ name: string; applied_at: string }[]>(
        `select name, to_char(executed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as applied_at from migrations`,
      )
    : [];
  const applied = new Map(rows.map(({ name, applied_at }) => [name, applied_at]));
  return migrations.map(({ name }) => ({ name, appliedAt: applied.get(name) ?? null }));
};

/** The names of migrations that the database does not have yet. */
export const pendingMigrations = async (orm: Orm): Promise<string[]> =>
  (await migrationStatus(orm))
    .filter(({ appliedAt }) => appliedAt === null)
    .map(({ name }) => name);

// Functions are the migrations' own; MikroORM would make them anew on the way back, from a text that does not run.
const functions = /create or replace function .*? as \$\$.*?\$\$;?/gs;

/** The SQL by which the entities and the migrations differ; both empty when they agree. No database needed. */
export const schemaDrift = async (): Promise<{ up: string; down: string }> => {
  const orm = await openPglite(await PGlite.create());
  try {
    await migrateUp(orm);
    const { up, down } = await orm.schema.getUpdateSchemaMigrationSQL({ wrap: false });
    return { up: up.trim(), down: down.replace(functions, "").trim() };
  } finally {
    await orm.close();
  }
};
