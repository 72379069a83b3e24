import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { openEmbedded } from "./embedded/open.ts";
import { migrateUp } from "./migration-run.ts";
import { pendingMigrations } from "./migrator.ts";
import type { Orm } from "./orm.ts";
import { connectPostgres } from "./postgres.ts";

const warnOfPendingMigrations = async (orm: Orm, log: Logger): Promise<void> => {
  const pending = await pendingMigrations(orm);
  if (pending.length > 0) log.warn({ pending }, "Migrations are pending: run `pnpm migrate up`");
};

/**
 * Opens the configured database. Applies pending migrations to an embedded database. For PostgreSQL, only logs a warning
 * about them: there `pnpm migrate up` is a step of the deployment.
 * @throws {OperatorError}
 */
export const openDatabase = async (config: Config["database"], log: Logger): Promise<Orm> => {
  if (config.url !== undefined) {
    const orm = await connectPostgres(config.url, config, {
      timeouts: (run) => {
        log.warn({ run }, "PostgreSQL's time-outs are not set: a connection pooler drops them");
      },
      names: () => {
        log.warn(
          "A connection pooler loses named statements: from now on, statements have no names",
        );
      },
    });
    try {
      await warnOfPendingMigrations(orm, log);
      return orm;
    } catch (error) {
      await orm.close();
      throw error;
    }
  }
  const { dataDir } = config;
  const orm = await openEmbedded(dataDir, {
    log,
    onCreate: () =>
      log.info(`Creating an embedded database in ${dataDir}; this takes a few seconds, once`),
    migrate: migrateUp,
  });
  log.info(`Using the embedded database in ${dataDir}; set DATABASE_URL to use PostgreSQL`);
  return orm;
};
