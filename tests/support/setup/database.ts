import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { Client } from "pg";
import { inject } from "vitest";
import { type PostgresServer, startPostgres } from "../external/postgres.ts";
import { templateName, withDatabase } from "./global-setup.ts";

/** Copies the migrated embedded database into a data directory, which is created with mode 0700. */
export const copyEmbedded = async (dataDir: string): Promise<void> => {
  await mkdir(dataDir, { mode: 0o700 });
  await cp(join(inject("pgliteTemplate"), "pglite"), join(dataDir, "pglite"), { recursive: true });
};

const cloneEmbedded = async (): Promise<Orm> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-database-"));
  const dataDir = join(folder, "data");
  await copyEmbedded(dataDir);
  const orm = await openEmbedded(dataDir);
  return {
    ...orm,
    close: async () => {
      await orm.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Runs one statement in the maintenance database of the test PostgreSQL. */
const runOnServer = async (statement: string): Promise<void> => {
  const client = new Client(inject("postgresUrl"));
  await client.connect();
  await client.query(statement);
  await client.end();
};

/**
 * Creates a PostgreSQL database for one test file.
 * @param template the database to copy: migrated by default, "template0" for an empty one
 */
export const clonePostgres = async (
  template: string = templateName,
): Promise<{ url: string; drop: () => Promise<void> }> => {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  // Copying files takes half the time of PostgreSQL's default, which writes every page to its log.
  await runOnServer(`create database ${name} template ${template} strategy file_copy`);
  return {
    url: withDatabase(inject("postgresUrl"), name),
    drop: () => runOnServer(`drop database ${name} with (force)`),
  };
};

/**
 * Creates a migrated database without rows; `close()` removes it.
 * @param kind by default the database of the running vitest project
 */
export const cloneDatabase = async (kind = inject("database")): Promise<Orm> => {
  if (kind === "pglite") return cloneEmbedded();
  const { url, drop } = await clonePostgres();
  const orm = await openPostgres(url, { poolMin: 0, poolMax: 5, onNameLoss: () => {} });
  return {
    ...orm,
    close: async () => {
      await orm.close();
      await drop();
    },
  };
};

/** Starts a PostgreSQL that no other test uses, with a migrated maintenance database. */
export const startMigratedPostgres = async (): Promise<PostgresServer> => {
  const postgres = await startPostgres(20);
  const orm = await openPostgres(postgres.url, { poolMin: 0, poolMax: 2, statementTimeout: false });
  await migrateUp(orm);
  await orm.close();
  return postgres;
};
