import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { connectPostgres } from "./connect.ts";
import { openEmbedded } from "./embedded.ts";
import { migrateUp, pendingMigrations } from "./migrator.ts";
import type { Orm } from "./orm.ts";

/**
 * The database that the configuration names. Embedded: migrated here. PostgreSQL: never, only a warning.
 * @throws {EmbeddedDatabaseError | DatabaseUnreachableError}
 */
export const openDatabase = async (config: Config["database"], log: Logger): Promise<Orm> => {
  if (config.url !== undefined) {
    const orm = await connectPostgres(config.url, config);
    const pending = await pendingMigrations(orm);
    if (pending.length > 0) {
      log.warn({ pending }, `${pending.length} migrations are pending: run \`pnpm migrate up\``);
    }
    return orm;
  }
  const orm = await openEmbedded(config.dataDir, () =>
    log.info(`Making an embedded database in ${config.dataDir}; this takes a few seconds, once`),
  );
  try {
    await migrateUp(orm);
  } catch (error) {
    await orm.close();
    throw error;
  }
  log.info(`Using the embedded database in ${config.dataDir}; set DATABASE_URL to use PostgreSQL`);
  return orm;
};
