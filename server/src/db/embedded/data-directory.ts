import {
  access,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";

/** Hears why PostgreSQL does not start: PGlite's own error would be "Aborted()". */
class AudibleFs extends NodeFS {
  readonly faults: string[] = [];
  /** Later faults are those of statements, with people's data in them. */
  starting = true;

  override init(...[pglite, options]: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const printErr = (line: string): void => {
      const fault = /(?:FATAL|PANIC|DETAIL): +(.+?)\.?$/.exec(line)?.[1];
      if (this.starting && fault !== undefined) this.faults.push(fault);
    };
    return super.init(pglite, { ...options, printErr });
  }
}

const pidFileIn = (directory: string): string => join(directory, "postmaster.pid");

const start = async (directory: string): Promise<PGlite> => {
  // The caller has the directory's lock; a pid file that a crash left, perhaps half written, would only be in the way.
  await rm(pidFileIn(directory), { force: true });
  const fs = new AudibleFs(directory);
  try {
    return await PGlite.create({ fs });
  } catch (error) {
    throw fs.faults.length === 0 ? error : new Error(fs.faults.join("; "), { cause: error });
  } finally {
    fs.starting = false;
  }
};

export const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
};

/** Makes a database where there is none, elsewhere first: a process killed meanwhile leaves no half of one. */
export const createCluster = async (directory: string): Promise<void> => {
  const unfinished = `${directory}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await (await start(unfinished)).close();
  await chmod(unfinished, 0o700);
  await rename(unfinished, directory);
};

/** Bytes of global/pg_control, whatever the version. */
const controlSize = 8192;

/** Finds by looking what PostgreSQL finds only after its first writes, and where PGlite would start afresh. */
const assertComplete = async (directory: string): Promise<void> => {
  if (!(await exists(join(directory, "PG_VERSION")))) throw new Error("PG_VERSION is missing");
  for (const folder of ["base/1", "base/5", "global", "pg_wal", "pg_xact"]) {
    const files = await readdir(join(directory, folder));
    if (files.length === 0) throw new Error(`${folder} is empty`);
  }
  const { size } = await stat(join(directory, "global", "pg_control"));
  if (size !== controlSize) {
    throw new Error(`global/pg_control has ${size} bytes instead of ${controlSize}`);
  }
};

/** Not `fs.cp`: it forces its copy onto the disk, so that removing that takes a second (measured on ext4). */
const copyFolder = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyFolder(source, target);
    else await writeFile(target, await readFile(source));
  }
};

/** The recovery after a crash rewrites files before it can fail, so a copy goes first. */
const rehearseRecovery = async (directory: string): Promise<void> => {
  const copy = `${directory}.copy`;
  await rm(copy, { recursive: true, force: true });
  try {
    await copyFolder(directory, copy);
    await (await start(copy)).close();
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
};

/** Opens a database that is there; nothing is made in place of one that cannot be opened. */
export const openCluster = async (directory: string): Promise<PGlite> => {
  await assertComplete(directory);
  const crashed = await exists(pidFileIn(directory));
  if (crashed) await rehearseRecovery(directory);
  try {
    return await start(directory);
  } catch (error) {
    if (!crashed) await rm(pidFileIn(directory), { force: true });
    throw error;
  }
};
