import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateUp } from "@taskwire/server/db/migrator.ts";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type { TestProject } from "vitest/node";
import { startPostgres } from "../external/postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The database of the vitest project. */
    database: "pglite" | "postgres";
    /** Path of a folder: the data directory of a migrated embedded database. */
    pgliteTemplate: string;
    /** URL of a PostgreSQL with the migrated database `taskwire_template`. */
    postgresUrl: string;
  }
}

export const templateName = "taskwire_template";

const createPgliteTemplate = async (folder: string): Promise<void> => {
  const orm = await openEmbedded(folder, { migrate: migrateUp });
  await orm.close();
};

/** Returns the URL of another database on the same server. */
export const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
};

const createPostgresTemplate = async (url: string): Promise<void> => {
  const options = { poolMin: 0, poolMax: 2, statementTimeout: false };
  const server = await openPostgres(url, options);
  await server.em.execute(`drop database if exists ${templateName}`);
  await server.em.execute(`create database ${templateName}`);
  await server.close();
  const template = await openPostgres(withDatabase(url, templateName), options);
  await migrateUp(template);
  await template.close();
};

/** Creates the migrated template databases once. A test file clones one in a fraction of a second. */
export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-tests-"));
  const pgliteTemplate = join(folder, "template");
  const externalUrl = process.env["TEST_DATABASE_URL"];
  const [postgres] = await Promise.all([
    externalUrl === undefined ? startPostgres() : { url: externalUrl, stop: async () => {} },
    createPgliteTemplate(pgliteTemplate),
  ]);
  await createPostgresTemplate(postgres.url);
  provide("pgliteTemplate", pgliteTemplate);
  provide("postgresUrl", postgres.url);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
};
