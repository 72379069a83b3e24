import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** SQLite's result code for "locked by another process" (SQLITE_BUSY). */
const sqliteBusy = 5;

/**
 * Locks a directory for this process: a second process that opens the same PGlite destroys it. SQLite holds an operating
 * system lock on an empty file, which the system releases even if the process is killed. A pid file would go stale.
 * @returns a function that releases the lock, or undefined if another process holds it
 */
export const lockDirectory = (directory: string): (() => void) | undefined => {
  const file = new DatabaseSync(join(directory, "pglite.lock"));
  try {
    file.exec("pragma locking_mode = exclusive; begin exclusive");
  } catch (error) {
    file.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) {
      return undefined;
    }
    throw error;
  }
  return () => file.close();
};
