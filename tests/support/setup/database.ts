import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import { openPglite } from "@taskwire/server/db/embedded/pglite.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { inject } from "vitest";
import { templateName, withDatabase } from "./global-setup.ts";

/** A PGlite with a copy of the migrated template. */
export const clonePglite = async (): Promise<PGlite> => {
  const template = await readFile(inject("pgliteTemplate"));
  return PGlite.create({ loadDataDir: new Blob([new Uint8Array(template)]) });
};

/** Runs one statement on the test server's maintenance database. */
const onServer = async (statement: string): Promise<void> => {
  const options = { poolMin: 0, poolMax: 1, statementTimeout: false };
  const server = await openPostgres(inject("postgresUrl"), options);
  await server.em.execute(statement);
  await server.close();
};

/** A PostgreSQL database of the test's own; give "template0" for an empty one. */
export const clonePostgres = async (
  template: string = templateName,
): Promise<{ url: string; drop: () => Promise<void> }> => {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await onServer(`create database ${name} template ${template}`);
  return {
    url: withDatabase(inject("postgresUrl"), name),
    drop: () => onServer(`drop database ${name} with (force)`),
  };
};

/**
 * A migrated, empty database; `close()` removes it.
 * @param kind the kind that the running project tests, unless a test wants both
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
