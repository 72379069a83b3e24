import { constants, copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { copyFile, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { create, extract } from "tar";

/** The time of the last change and the size of each file when it was copied. */
export type Seen = ReadonlyMap<string, string>;

/** Milliseconds before a copy, in which a file may have changed again without a new time. */
const clockPrecision = 2000;

const entriesOf = (directory: string): { path: string; isFile: boolean }[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => ({
      path: join(entry.parentPath, entry.name).slice(directory.length + 1),
      isFile: entry.isFile(),
    }))
    // The process that wrote it does not run where the copy is restored.
    .filter(({ path }) => path !== "postmaster.pid");

const stateOf = ({ mtimeMs, size }: { mtimeMs: number; size: number }): string =>
  `${mtimeMs} ${size}`;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** Copies the files of a database while statements change them: `completeCopy` replaces those that changed. */
export const copyInUse = async (directory: string, copy: string): Promise<Seen> => {
  const safe = Date.now() - clockPrecision;
  const seen = new Map<string, string>();
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { mode: 0o700 });
  for (const { path, isFile } of entriesOf(directory)) {
    if (!isFile) {
      await mkdir(join(copy, path), { mode: 0o700, recursive: true });
      continue;
    }
    try {
      const file = await stat(join(directory, path));
      await copyFile(join(directory, path), join(copy, path), constants.COPYFILE_FICLONE);
      if (file.mtimeMs < safe) seen.set(path, stateOf(file));
    } catch (error) {
      // A statement has removed the file.
      if (!isMissing(error)) throw error;
    }
  }
  return seen;
};

/**
 * Copies what has changed since `copyInUse`, and blocks its thread meanwhile, so that no statement runs. The copy has the
 * state after `kill -9` then, from which PostgreSQL recovers without losing an acknowledged write.
 */
export const completeCopy = (directory: string, copy: string, seen: Seen): void => {
  const entries = entriesOf(directory);
  for (const { path, isFile } of entries) {
    if (!isFile) mkdirSync(join(copy, path), { mode: 0o700, recursive: true });
    else if (seen.get(path) !== stateOf(statSync(join(directory, path))))
      copyFileSync(join(directory, path), join(copy, path), constants.COPYFILE_FICLONE);
  }
  const present = new Set(entries.map(({ path }) => path));
  for (const { path } of entriesOf(copy))
    if (!present.has(path)) rmSync(join(copy, path), { recursive: true, force: true });
};

/** Returns the compressed archive of a database that no process uses. */
export const archiveOf = (directory: string): AsyncIterable<Buffer> =>
  create(
    {
      gzip: true,
      cwd: directory,
      portable: true,
      strict: true,
      filter: (path) => path !== "./postmaster.pid",
    },
    ["."],
  );

/** Unpacks an archive into an empty directory. Rejects one that is incomplete or damaged. */
export const extractArchive = (file: string, directory: string): Promise<void> =>
  extract({ file, cwd: directory, strict: true, umask: 0o077 });
