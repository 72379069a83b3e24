import { migrations } from "@taskwire/migrations";
import { openEmbeddedOrm } from "./embedded/orm.ts";
import { startEmbeddedServer } from "./embedded/server.ts";
import { isSchemaMissing } from "./failures.ts";
import { migrateUp } from "./migration-run.ts";
import type { Orm } from "./orm.ts";
import type { Probe } from "./probe.ts";

/**
 * Returns every known migration, oldest first, and when it was applied (ISO 8601, UTC) or null. Writes nothing: the
 * migrator's own list would create the bookkeeping table first.
 */
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

/**
 * Returns the names of the migrations that are not applied, oldest first. One statement.
 * @param run runs the statement; by default on a connection of the pool
 */
export const pendingMigrations = async (
  orm: Orm,
  run: Probe = (statement) => orm.em.fork().execute(statement),
): Promise<string[]> => {
  const rows = await run("select name from migrations").catch((error: unknown) => {
    if (isSchemaMissing(error)) return [];
    throw error;
  });
  const applied = new Set(rows.map(({ name }) => name));
  return migrations.map(({ name }) => name).filter((name) => !applied.has(name));
};

// Only migrations create functions and triggers. For `down`, MikroORM creates them again, with an invalid body.
const createRoutine =
  /create or replace function .*? as \$\$.*?\$\$(?: language \w+)?;?|create trigger "[^;]*;/gs;

/**
 * Returns the SQL that turns the schema of the migrations into that of the entities (`up`), and back (`down`). Both are
 * empty if the schemas agree. Uses a temporary embedded database in memory.
 */
export const schemaDrift = async (): Promise<{ up: string; down: string }> => {
  const server = await startEmbeddedServer({ directory: undefined });
  const orm = await openEmbeddedOrm(server, false);
  try {
    await migrateUp(orm);
    const { up, down } = await orm.schema.getUpdateSchemaMigrationSQL({ wrap: false });
    return { up: up.trim(), down: down.replace(createRoutine, "").trim() };
  } finally {
    await orm.close();
    await server.close();
  }
};
