import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import { openPglite, openPostgres, type Orm } from "@taskwire/server/db/orm.ts";
import { inject } from "vitest";
import { templateName, withDatabase } from "./global-setup.ts";

/** Creates a PGlite in memory with a copy of the migrated template. */
export const clonePglite = async (): Promise<PGlite> => {
  const template = await readFile(inject("pgliteTemplate"));
  return PGlite.create({ loadDataDir: new Blob([new Uint8Array(template)]) });
};

/** Runs one statement in the maintenance database of the test PostgreSQL. */
const runOnServer = async (statement: string): Promise<void> => {
  const options = { poolMin: 0, poolMax: 1, statementTimeout: false };
  const server = await openPostgres(inject("postgresUrl"), options);
  await server.em.execute(statement);
  await server.close();
};

/**
 * Creates a PostgreSQL database for one test file.
 * @param template the database to copy: migrated by default, "template0" for an empty one
 */
export const clonePostgres = async (
  template: string = templateName,
): Promise<{ url: string; drop: () => Promise<void> }> => {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await runOnServer(`create database ${name} template ${template}`);
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
  if (kind === "pglite") return openPglite(await clonePglite());
  const { url, drop } = await clonePostgres();
  const orm = await openPostgres(url, { poolMin: 0, poolMax: 5 });
  return {
    ...orm,
    close: async () => {
      await orm.close();
      await drop();
    },
  };
};
