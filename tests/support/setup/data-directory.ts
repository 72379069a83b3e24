import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { inject } from "vitest";

/** Puts a migrated database where a server started in the folder looks for it: the first start makes one too, but slowly. */
export const unpackDatabase = async (folder: string): Promise<void> => {
  await mkdir(join(folder, ".data"));
  const template = new Blob([new Uint8Array(await readFile(inject("pgliteTemplate")))]);
  const dataDir = join(folder, ".data", "pglite");
  const pglite = await PGlite.create({ dataDir, loadDataDir: template });
  await pglite.close();
};
