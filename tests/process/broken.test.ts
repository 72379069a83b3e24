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
  await writeFile(join(folder, ".data/jwt-secret"), "5ec2e7".repeat(11));
});
afterAll(() => rm(folder, { recursive: true }));

type Replace = (path: string) => Promise<unknown>;
const nothing: Replace = async () => {};
const emptyFolder: Replace = mkdir;
const bytes =
  (...content: Parameters<typeof Buffer.alloc>): Replace =>
  (path) =>
    writeFile(path, Buffer.alloc(...content));

/** Starts the server while something else is in a path's place, and expects it to refuse and to change nothing. */
const expectRefused = async (path: string, replace: Replace, message: RegExp): Promise<void> => {
  const [place, aside] = [join(folder, path), join(folder, "aside")];
  await rename(place, aside);
  onTestFinished(async () => {
    await rm(place, { recursive: true, force: true });
    await rename(aside, place);
  });
  await replace(place);
  const before = await directorySnapshot(folder);
  const { code, stdout, stderr } = await finish("main", { folder, env: { PORT: "0" } });
  expect(await directorySnapshot(folder)).toEqual(before);
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd()).not.toContain("\n");
};

const unopened = (reason: string): RegExp =>
  new RegExp(`^The embedded database in \\.data/pglite cannot be opened: ${reason}\\. No new one`);

test.each([
  [
    "a file for DATA_DIR",
    ".data",
    bytes(1),
    /^DATA_DIR \.data is not a directory .* file already ex/,
  ],
  [
    "another text for the secret",
    ".data/jwt-secret",
    bytes(64, "x"),
    /jwt-secret does not hold 64/,
  ],
  ["an empty database", ".data/pglite", emptyFolder, unopened("PG_VERSION is missing")],
  ["no PG_VERSION", ".data/pglite/PG_VERSION", nothing, unopened("PG_VERSION is missing")],
  [
    "another version",
    ".data/pglite/PG_VERSION",
    bytes(3, "16\n"),
    unopened(".*PostgreSQL version 16,.*"),
  ],
  [
    "half a control file",
    ".data/pglite/global/pg_control",
    bytes(100),
    unopened("global/pg_control has 100 bytes instead of 8192"),
  ],
  [
    "rubbish for a control file",
    ".data/pglite/global/pg_control",
    bytes(8192, "rubbish"),
    unopened("database files are incompatible with server; .*"),
  ],
  ["no catalog", ".data/pglite/base/5", emptyFolder, unopened("base/5 is empty")],
])("the server refuses %s, says so, and changes nothing", (_, path, replace, message) =>
  expectRefused(path, replace, message),
);

test("after a crash, the recovery is tried on a copy", async () => {
  const pidFile = join(folder, ".data/pglite/postmaster.pid");
  await writeFile(pidFile, "");
  onTestFinished(() => rm(pidFile, { force: true }));
  const path = ".data/pglite/base/5/1259";
  await expectRefused(path, bytes(100), unopened("could not open critical system index .*"));
});
