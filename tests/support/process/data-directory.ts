import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { inject } from "vitest";

/**
 * Creates a migrated database in the default `DATA_DIR` of a server that is started in the folder. The server's first
 * start creates one too, but takes seconds.
 */
export const unpackDatabase = async (folder: string): Promise<void> => {
  await mkdir(join(folder, ".data"), { mode: 0o700 });
  const template = new Blob([new Uint8Array(await readFile(inject("pgliteTemplate")))]);
  const dataDir = join(folder, ".data", "pglite");
  const pglite = await PGlite.create({ dataDir, loadDataDir: template });
  await pglite.close();
};
