import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OperatorError, reasonOf } from "../../errors.ts";
import type { Orm } from "../orm.ts";
import { createCluster, exists, openCluster } from "./data-directory.ts";
import { lockDirectory } from "./lock.ts";
import { openPglite } from "./pglite.ts";

const lock = async (dataDir: string): Promise<() => void> => {
  let unlock: (() => void) | undefined;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    unlock = lockDirectory(dataDir);
  } catch (cause) {
    throw new OperatorError(
      `DATA_DIR ${dataDir} is not a directory that can be written: ${reasonOf(cause)}`,
      { cause },
    );
  }
  if (unlock !== undefined) return unlock;
  throw new OperatorError(
    `Another process uses the embedded database in ${dataDir}. Stop it, or set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL.`,
  );
};

const create = async (directory: string): Promise<void> => {
  try {
    await createCluster(directory);
  } catch (cause) {
    throw new OperatorError(
      `The embedded database cannot be created in ${directory}: ${reasonOf(cause)}`,
      { cause },
    );
  }
};

const open = async (directory: string): Promise<Orm> => {
  try {
    return await openPglite(await openCluster(directory));
  } catch (cause) {
    throw new OperatorError(
      `The embedded database in ${directory} cannot be opened: ${reasonOf(cause)}. No new database was created in its place: restore it from a backup, or move it away to start with a new one.`,
      { cause },
    );
  }
};

/**
 * Opens the embedded database of a data directory, and creates it if it does not exist.
 * @param dataDir contains the database (pglite/) and its lock (pglite.lock); created with mode 0700 if missing
 * @param onCreate called before a database is created, which takes seconds
 * @throws {OperatorError} if another process uses it, or it is damaged, or cannot be written
 */
export const openEmbedded = async (dataDir: string, onCreate: () => void): Promise<Orm> => {
  const unlock = await lock(dataDir);
  try {
    const directory = join(dataDir, "pglite");
    if (!(await exists(directory))) {
      onCreate();
      await create(directory);
    }
    const orm = await open(directory);
    return {
      ...orm,
      close: async () => {
        await orm.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
};
