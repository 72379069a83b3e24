import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { migrateUp } from "@taskwire/server/db/migrator.ts";
import { openPglite } from "@taskwire/server/db/embedded/pglite.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type { TestProject } from "vitest/node";
import { startPostgres } from "../external/postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Which database the project's tests run on. */
    database: "pglite" | "postgres";
    /** A file with a migrated PGlite's data directory. */
    pgliteTemplate: string;
    /** A PostgreSQL that has the database `taskwire_template`, migrated. */
    postgresUrl: string;
  }
}

export const templateName = "taskwire_template";

const makePgliteTemplate = async (path: string): Promise<void> => {
  const pglite = await PGlite.create();
  const orm = await openPglite(pglite);
  await migrateUp(orm);
  const dump = await pglite.dumpDataDir("none");
  await writeFile(path, Buffer.from(await dump.arrayBuffer()));
  await orm.close();
};

/** The same database on another URL. */
export const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
};

const makePostgresTemplate = async (url: string): Promise<void> => {
  const options = { poolMin: 0, poolMax: 2, statementTimeout: false };
  const server = await openPostgres(url, options);
  await server.em.execute(`drop database if exists ${templateName}`);
  await server.em.execute(`create database ${templateName}`);
  await server.close();
  const template = await openPostgres(withDatabase(url, templateName), options);
  await migrateUp(template);
  await template.close();
};

/** Makes the migrated templates once; a test file clones one in a fraction of a second. */
export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-tests-"));
  const pgliteTemplate = join(folder, "template.tar");
  const given = process.env["TEST_DATABASE_URL"];
  // PGlite's start blocks this process for seconds: PostgreSQL's may run meanwhile, a connection to it would time out.
  const [postgres] = await Promise.all([
    given === undefined ? startPostgres() : { url: given, stop: async () => {} },
    makePgliteTemplate(pgliteTemplate),
  ]);
  await makePostgresTemplate(postgres.url);
  provide("pgliteTemplate", pgliteTemplate);
  provide("postgresUrl", postgres.url);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
};
