import { createWriteStream } from "node:fs";
import { link, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { OperatorError, reasonOf } from "../../errors.ts";
import { archiveOf, extractArchive } from "./archive.ts";
import { withCopy } from "./backup-socket.ts";
import { assertComplete, exists, openCluster } from "./data-directory.ts";
import { lockDirectory } from "./lock.ts";
import { lockDataDir } from "./open.ts";

/**
 * Writes an archive of a directory under another name first, so that the file's own name never belongs to a part of one.
 * @param read calls its argument with the directory
 */
const writeWhole = async (
  file: string,
  read: (write: (directory: string) => Promise<void>) => Promise<void>,
): Promise<void> => {
  const partial = `${file}.${process.pid}.partial`;
  try {
    await read((directory) => {
      const options = { flags: "wx", mode: 0o600, flush: true };
      return pipeline(archiveOf(directory), createWriteStream(partial, options));
    });
    // Unlike a rename, a link fails if the name exists.
    await link(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
};

const assertFree = async (file: string): Promise<void> => {
  if (await exists(file)) {
    throw new OperatorError(`${file} already exists: a backup never overwrites a file`);
  }
};

/**
 * Writes a backup of the embedded database, compressed. If another process uses the data directory, that process copies
 * the files between two statements.
 * @throws {OperatorError} if the file exists or there is no database; no part of a file is left then
 */
export const backUp = async (dataDir: string, file: string): Promise<void> => {
  await assertFree(file);
  const directory = join(dataDir, "pglite");
  if (!(await exists(directory))) {
    throw new OperatorError(`DATA_DIR ${dataDir} contains no database`);
  }
  const unlock = lockDirectory(dataDir);
  if (unlock === undefined) {
    await writeWhole(file, (write) => withCopy(dataDir, write));
    return;
  }
  try {
    await assertComplete(directory);
    await writeWhole(file, (write) => write(directory));
  } finally {
    unlock();
  }
};

/**
 * Restores a backup into a data directory without a database. A crash leaves no half-restored database.
 * @throws {OperatorError} if there is a database, another process uses the directory, or the backup is damaged
 */
export const restore = async (dataDir: string, file: string): Promise<void> => {
  if (!(await exists(file))) throw new OperatorError(`${file} does not exist`);
  const unlock = await lockDataDir(dataDir);
  const directory = join(dataDir, "pglite");
  const unfinished = `${directory}.new`;
  try {
    if (await exists(directory)) {
      throw new OperatorError(
        `${directory} already exists: a restore never overwrites a database. Move it away, or set DATA_DIR to another directory.`,
      );
    }
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { mode: 0o700 });
    try {
      await extractArchive(file, unfinished);
      // Recovers as after a crash, which shows that the backup works.
      await (await openCluster(unfinished, false)).close();
    } catch (cause) {
      throw new OperatorError(
        `${file} is not a backup that works: ${reasonOf(cause)}. Nothing was restored.`,
        { cause },
      );
    }
    await rename(unfinished, directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
    unlock();
  }
};
