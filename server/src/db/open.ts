import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { connectPostgres } from "./postgres.ts";
import { openEmbedded } from "./embedded/open.ts";
import { migrateUp, pendingMigrations } from "./migrator.ts";
import type { Orm } from "./orm.ts";

/** The same database after some work, or closed if that fails. */
const ready = async (orm: Orm, prepare: (orm: Orm) => Promise<void>): Promise<Orm> => {
  try {
    await prepare(orm);
    return orm;
  } catch (error) {
    await orm.close();
    throw error;
  }
};

/**
 * The database that the configuration names. Embedded: migrated here. PostgreSQL: never, only a warning.
 * @throws {OperatorError}
 */
export const openDatabase = async (config: Config["database"], log: Logger): Promise<Orm> => {
  if (config.url !== undefined) {
    return ready(await connectPostgres(config.url, config), async (orm) => {
      const pending = await pendingMigrations(orm);
      if (pending.length > 0)
        log.warn({ pending }, "Migrations are pending: run `pnpm migrate up`");
    });
  }
  const { dataDir } = config;
  const orm = await openEmbedded(dataDir, () =>
    log.info(`Making an embedded database in ${dataDir}; this takes a few seconds, once`),
  );
  return ready(orm, async () => {
    await migrateUp(orm);
    log.info(`Using the embedded database in ${dataDir}; set DATABASE_URL to use PostgreSQL`);
  });
};
