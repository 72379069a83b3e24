import { access, chmod, cp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";

/** Captures why PostgreSQL fails to start: PGlite's own error is only "Aborted()". */
class ErrorCapturingFs extends NodeFS {
  readonly errors: string[] = [];
  /** False after the start: later errors come from statements and can contain personal data. */
  capturing = true;

  override init(...[pglite, options]: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const printErr = (line: string): void => {
      const message = /(?:FATAL|PANIC|DETAIL): +(\S.*)$/.exec(line)?.[1]?.replace(/\.$/, "");
      if (this.capturing && message !== undefined) this.errors.push(message);
    };
    return super.init(pglite, { ...options, printErr });
  }
}

const pidFileIn = (directory: string): string => join(directory, "postmaster.pid");

const start = async (directory: string): Promise<PGlite> => {
  // The caller holds the directory's lock, so a pid file comes from a crash. PostgreSQL fails on one that is empty.
  await rm(pidFileIn(directory), { force: true });
  const fs = new ErrorCapturingFs(directory);
  try {
    return await PGlite.create({ fs });
  } catch (error) {
    throw fs.errors.length === 0 ? error : new Error(fs.errors.join("; "), { cause: error });
  } finally {
    fs.capturing = false;
  }
};

/**
 * Returns whether a path exists.
 * @throws the file system's error, if that cannot be determined
 */
export const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
};

/**
 * Creates an empty database in a directory that does not exist yet. A crash leaves no half-created database: the files
 * are created in `directory`.new and renamed when complete.
 */
export const createCluster = async (directory: string): Promise<void> => {
  const unfinished = `${directory}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await (await start(unfinished)).close();
  await chmod(unfinished, 0o700);
  await rename(unfinished, directory);
};

/** Rejects missing files that PostgreSQL would create anew, or would notice only after its first writes. */
export const assertComplete = async (directory: string): Promise<void> => {
  // Without PG_VERSION, PGlite creates a new database over the existing files. Without base/5, which holds all tables,
  // PostgreSQL fails after it has written to its control file and log.
  for (const file of ["PG_VERSION", "base/5/PG_VERSION"]) {
    if (!(await exists(join(directory, file)))) throw new Error(`${file} is missing`);
  }
  // The recovery after a crash creates a missing transaction log anew, in which older transactions count as aborted.
  if ((await readdir(join(directory, "pg_xact"))).length === 0) throw new Error("pg_xact is empty");
};

/** Runs the recovery after a crash on a copy first, because a recovery that fails has already changed files. */
const rehearseRecovery = async (directory: string): Promise<void> => {
  const copy = `${directory}.copy`;
  await rm(copy, { recursive: true, force: true });
  try {
    await cp(directory, copy, { recursive: true });
    await (await start(copy)).close();
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
};

/**
 * Opens an existing database.
 * @throws {Error} with PostgreSQL's reason if the files are damaged; no new database is created over them
 */
export const openCluster = async (directory: string, rehearse: boolean): Promise<PGlite> => {
  await assertComplete(directory);
  const crashed = await exists(pidFileIn(directory));
  if (crashed && rehearse) await rehearseRecovery(directory);
  try {
    return await start(directory);
  } catch (error) {
    // The pid file of this failed start would look like a crash to the next one.
    if (!crashed) await rm(pidFileIn(directory), { force: true });
    throw error;
  }
};
