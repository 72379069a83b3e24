import { createHash } from "node:crypto";
import { existsSync, globSync } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
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

const root = join(import.meta.dirname, "../../..");

/** Survives the run: creating an embedded database takes five seconds of CPU time. */
const cache = join(root, "node_modules/.cache/taskwire-tests");

/** Returns a digest of everything that the template depends on. */
const templateKey = async (): Promise<string> => {
  const sources = ["pnpm-lock.yaml", "migrations/*.ts", "server/src/db/**/*.ts"];
  const hash = createHash("sha256").update(process.version);
  for (const file of globSync(sources, { cwd: root }).toSorted())
    hash.update(await readFile(join(root, file)));
  return hash.digest("hex").slice(0, 16);
};

/** Returns the folder of a migrated embedded database, from the cache if an earlier run created it. */
const pgliteTemplate = async (): Promise<string> => {
  const folder = join(cache, await templateKey());
  if (existsSync(folder)) return folder;
  await rm(cache, { recursive: true, force: true });
  const unfinished = `${folder}.${process.pid}`;
  const orm = await openEmbedded(unfinished, { migrate: migrateUp });
  await orm.close();
  await rename(unfinished, folder);
  return folder;
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
  const externalUrl = process.env["TEST_DATABASE_URL"];
  const [postgres, template] = await Promise.all([
    externalUrl === undefined ? startPostgres() : { url: externalUrl, stop: async () => {} },
    pgliteTemplate(),
  ]);
  await createPostgresTemplate(postgres.url);
  provide("pgliteTemplate", template);
  provide("postgresUrl", postgres.url);
  return postgres.stop;
};
