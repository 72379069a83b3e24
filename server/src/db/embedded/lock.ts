import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** SQLite's result code for a lock that somebody else holds. */
const busy = 5;

/**
 * Takes a directory for this process. SQLite holds an operating system's lock on an empty file: it ends with the
 * process, however that dies, and no stale file or reused process id can mislead (a second opener destroys PGlite).
 * @returns releases it; nothing, if another process has the directory
 */
export const lockDirectory = (directory: string): (() => void) | undefined => {
  const file = new DatabaseSync(join(directory, "pglite.lock"));
  try {
    file.exec("pragma locking_mode = exclusive; begin exclusive");
  } catch (error) {
    file.close();
    if (error instanceof Error && "errcode" in error && error.errcode === busy) return undefined;
    throw error;
  }
  return () => file.close();
};
