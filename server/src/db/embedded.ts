import { chmod, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import { openPglite, type Orm } from "./orm.ts";

/** A data directory cannot be used; the message says why and what to do, and nothing in it was changed. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = "EmbeddedDatabaseError";
}

/** SQLite's result code for a lock that somebody else holds. */
const busy = 5;

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/**
 * Takes the directory for this process. SQLite holds an operating system's lock on an empty file: it ends with
 * the process, however that dies, and no stale file or reused process id can mislead (a second opener destroys PGlite).
 */
const lock = (dataDir: string): (() => void) => {
  const file = new DatabaseSync(join(dataDir, "pglite.lock"));
  try {
    file.exec("pragma locking_mode = exclusive; begin exclusive");
  } catch (error) {
    file.close();
    if (!(error instanceof Error && "errcode" in error && error.errcode === busy)) throw error;
    throw new EmbeddedDatabaseError(
      `Another process uses the embedded database in ${dataDir}. Stop it, or set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL.`,
      { cause: error },
    );
  }
  return () => file.close();
};

const isMissing = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return false;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return true;
    throw error;
  }
};

/** Made elsewhere and moved into place when complete, so that a process killed meanwhile leaves no half database. */
const create = async (dataDir: string, directory: string): Promise<void> => {
  const unfinished = join(dataDir, "pglite.new");
  await rm(unfinished, { recursive: true, force: true });
  const pglite = await PGlite.create(unfinished);
  await pglite.close();
  await chmod(unfinished, 0o700);
  await rename(unfinished, directory);
};

const assertDatabase = async (directory: string): Promise<void> => {
  const files = await readdir(directory);
  const missing = ["PG_VERSION", "base", "global", "pg_wal"].filter(
    (name) => !files.includes(name),
  );
  if (missing.length > 0) throw new Error(`${missing.join(", ")} missing`);
};

const open = async (directory: string): Promise<Orm> => {
  try {
    await assertDatabase(directory);
    const pglite = await PGlite.create(directory);
    return await openPglite(pglite);
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `The embedded database in ${directory} cannot be opened (${reasonOf(error)}). Nothing in it was changed: restore it from a backup, or move it away and start again.`,
      { cause: error },
    );
  }
};

/**
 * The embedded database of a data directory, made there if there is none.
 * @param dataDir holds the database (pglite/) and its lock (pglite.lock); made with mode 0700 if missing
 * @param announce told before the first start, which takes seconds
 * @throws {EmbeddedDatabaseError} if another process has it, or it is broken, or cannot be written
 */
export const openEmbedded = async (dataDir: string, announce: () => void): Promise<Orm> => {
  const directory = join(dataDir, "pglite");
  let unlock: () => void;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    unlock = lock(dataDir);
  } catch (error) {
    if (error instanceof EmbeddedDatabaseError) throw error;
    throw new EmbeddedDatabaseError(`DATA_DIR ${dataDir} cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  try {
    if (await isMissing(directory)) {
      announce();
      await create(dataDir, directory);
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
