import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { finish } from "../support/process/test-process.ts";
import { directorySnapshot } from "../support/process/directory-snapshot.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwire-broken-"));
  await unpackDatabase(folder);
  await writeFile(join(folder, ".data/jwt-secret"), "5ec2e7".repeat(11), { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));

type Replace = (path: string) => Promise<unknown>;
const leaveMissing: Replace = async () => {};
const emptyFolder: Replace = mkdir;
const bytes =
  (...content: Parameters<typeof Buffer.alloc>): Replace =>
  (path) =>
    writeFile(path, Buffer.alloc(...content), { mode: 0o600 });

/** Replaces a file or folder, starts the server, and expects that it fails with one line and changes nothing. */
const expectStartToFail = async (
  path: string,
  replace: Replace,
  message: RegExp,
): Promise<void> => {
  const [damaged, original] = [join(folder, path), join(folder, "original")];
  await rename(damaged, original);
  onTestFinished(async () => {
    await rm(damaged, { recursive: true, force: true });
    await rename(original, damaged);
  });
  await replace(damaged);
  const before = await directorySnapshot(folder);
  const { code, stdout, stderr } = await finish("main", { folder, env: { PORT: "0" } });
  expect(await directorySnapshot(folder)).toEqual(before);
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd()).not.toContain("\n");
};

const cannotBeOpened = (reason: string): RegExp =>
  new RegExp(
    `^The embedded database in \\.data/pglite cannot be opened: ${reason}\\. No new database was created`,
  );

test.each([
  [
    "DATA_DIR is a file",
    ".data",
    bytes(1),
    /^DATA_DIR \.data is not a directory .* file already ex/,
  ],
  [
    "the secret file does not hold a secret",
    ".data/jwt-secret",
    bytes(64, "x"),
    /jwt-secret does not hold 64/,
  ],
  [
    "the database directory is empty",
    ".data/pglite",
    emptyFolder,
    cannotBeOpened("PG_VERSION is missing"),
  ],
  [
    "PG_VERSION is missing",
    ".data/pglite/PG_VERSION",
    leaveMissing,
    cannotBeOpened("PG_VERSION is missing"),
  ],
  [
    "PG_VERSION names another version",
    ".data/pglite/PG_VERSION",
    bytes(3, "16\n"),
    cannotBeOpened(".*PostgreSQL version 16,.*"),
  ],
  [
    "the control file is truncated",
    ".data/pglite/global/pg_control",
    bytes(100),
    cannotBeOpened('could not read file "global/pg_control": read 100 of \\d+'),
  ],
  [
    "the control file is overwritten",
    ".data/pglite/global/pg_control",
    bytes(8192, "rubbish"),
    cannotBeOpened("database files are incompatible with server; .*"),
  ],
  [
    "the folder of the tables is empty",
    ".data/pglite/base/5",
    emptyFolder,
    cannotBeOpened("base/5/PG_VERSION is missing"),
  ],
  [
    "the transaction log is empty",
    ".data/pglite/pg_xact",
    emptyFolder,
    cannotBeOpened("pg_xact is empty"),
  ],
])("if %s, the start fails with the reason and changes nothing", (_, path, replace, message) =>
  expectStartToFail(path, replace, message),
);

test("if the recovery after a crash fails, the start fails and changes nothing", async () => {
  const pidFile = join(folder, ".data/pglite/postmaster.pid");
  await writeFile(pidFile, "");
  onTestFinished(() => rm(pidFile, { force: true }));
  const path = ".data/pglite/base/5/1259";
  await expectStartToFail(
    path,
    bytes(100),
    cannotBeOpened("could not open critical system index .*"),
  );
});
