import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OperatorError, reasonOf } from "../../errors.ts";
import { createCluster, exists, openCluster } from "./data-directory.ts";
import { lockDirectory } from "./lock.ts";
import type { Orm } from "../orm.ts";
import { openPglite } from "./pglite.ts";

const take = async (dataDir: string): Promise<() => void> => {
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

const make = async (directory: string): Promise<void> => {
  try {
    await createCluster(directory);
  } catch (cause) {
    throw new OperatorError(
      `An embedded database cannot be made in ${directory}: ${reasonOf(cause)}`,
      { cause },
    );
  }
};

const open = async (directory: string): Promise<Orm> => {
  try {
    return await openPglite(await openCluster(directory));
  } catch (cause) {
    throw new OperatorError(
      `The embedded database in ${directory} cannot be opened: ${reasonOf(cause)}. No new one was made in its place: restore it from a backup, or move it away to start with a new one.`,
      { cause },
    );
  }
};

/**
 * The embedded database of a data directory, made there if there is none.
 * @param dataDir holds the database (pglite/) and its lock (pglite.lock); made with mode 0700 if missing
 * @param announce told before a database is made, which takes seconds
 * @throws {OperatorError} if another process has it, or it is broken, or cannot be written
 */
export const openEmbedded = async (dataDir: string, announce: () => void): Promise<Orm> => {
  const unlock = await take(dataDir);
  try {
    const directory = join(dataDir, "pglite");
    if (!(await exists(directory))) {
      announce();
      await make(directory);
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
