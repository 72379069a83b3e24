import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Returns every path in a folder with a hash of its content. Leaves out the lock file: every opener creates it. */
export const directorySnapshot = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = entries
    .filter(({ name }) => name !== "pglite.lock")
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) return relative(folder, path);
      const hash = createHash("sha1").update(await readFile(path));
      return `${relative(folder, path)} ${hash.digest("hex")}`;
    });
  return (await Promise.all(lines)).toSorted();
};
