import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { rest } from "../support/client/transports.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { directorySnapshot } from "../support/process/directory-snapshot.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
import { secret } from "../support/setup/server.ts";

const run = (folder: string, name: "backup" | "restore", file: string, env = {}) =>
  finish(name, { folder, args: [file], env });

const signIn = async (url: string, { email, password }: { email: string; password: string }) =>
  (await rest.call(url, "auth.login", { email, password })).status;

const elsewhere = { DATA_DIR: "restored" };
const settings = { JWT_SECRET_KEY: secret };

test("a backup while the server writes restores a consistent database with every write acknowledged before", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const server = await serve(folder, settings);
  const ada = await signedInUser(server);
  const acknowledged = new Set<number>();
  const stop = new AbortController();
  const writer = (async () => {
    while (!stop.signal.aborted) acknowledged.add((await ada.newTask()).id);
  })();
  await expect.poll(() => acknowledged.size).toBeGreaterThan(20);
  const before = [...acknowledged];
  const backup = await run(folder, "backup", "taskwire.backup");
  expect(backup).toMatchObject({ code: 0, stdout: "Wrote taskwire.backup\n", stderr: "" });
  const size = acknowledged.size;
  await expect.poll(() => acknowledged.size).toBeGreaterThan(size);
  stop.abort();
  await writer;

  const file = join(folder, "taskwire.backup");
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  const onWindows = process.platform === "win32";
  expect(onWindows || (await modeOf(file))).toBe(onWindows || 0o600);
  const socket = join(folder, ".data/backup.sock");
  expect(onWindows || (await modeOf(socket))).toBe(onWindows || 0o600);
  const bytes = await readFile(file);
  const again = await run(folder, "backup", "taskwire.backup");
  expect(again).toMatchObject({
    code: 1,
    stderr: "taskwire.backup already exists: a backup never overwrites a file\n",
  });
  expect((await readFile(file)).equals(bytes)).toBe(true);
  expect(await readdir(folder)).toEqual([".data", "taskwire.backup"]);

  const rejected = await run(folder, "restore", "taskwire.backup");
  expect(rejected).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Another process uses the embedded database in \.data\./),
  });
  const startedAt = performance.now();
  const restored = await run(folder, "restore", "taskwire.backup", elsewhere);
  expect(restored).toMatchObject({
    code: 0,
    stdout: "Restored taskwire.backup into restored\n",
    stderr: "",
  });
  const copy = await serve(folder, { ...settings, ...elsewhere });
  expectPromisedTime("Restore of an embedded database", performance.now() - startedAt, 30_000);
  expect(await signIn(copy.url, ada)).toBe(200);
  const list = await rest.call(copy.url, "task.list", { limit: 100 }, { token: ada.token });
  const { total, items } = z
    .object({ total: z.number(), items: z.array(z.object({ id: z.number() })) })
    .parse(list.data);
  expect(total).toBeGreaterThanOrEqual(before.length);
  expect(total).toBeLessThanOrEqual(acknowledged.size);
  expect(items.every(({ id }) => acknowledged.has(id))).toBe(true);
  expect(await server.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(await readdir(join(folder, ".data"))).not.toContain("backup.sock");
});

test("without a server, a backup contains the database, and a restore changes no database that exists", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const server = await serve(folder, settings);
  const ada = await signedInUser(server);
  // As after a crash: the backup is not of a database that was closed in order.
  await server.kill("SIGKILL");
  expect(await run(folder, "backup", "a.backup")).toMatchObject({ code: 0, stderr: "" });
  const before = await directorySnapshot(join(folder, ".data"));
  expect(await run(folder, "restore", "a.backup")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("already exists: a restore never overwrites a database"),
  });
  expect(await directorySnapshot(join(folder, ".data"))).toEqual(before);
  expect(await run(folder, "restore", "a.backup", elsewhere)).toMatchObject({ code: 0 });
  const copy = await serve(folder, { ...settings, ...elsewhere });
  expect(await signIn(copy.url, ada)).toBe(200);
});

test("a backup or restore that cannot work prints the reason and leaves no file", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  expect(await run(folder, "backup", "whole")).toMatchObject({ code: 0 });
  const whole = await readFile(join(folder, "whole"));
  await writeFile(join(folder, "part"), whole);
  await truncate(join(folder, "part"), Math.floor(whole.length / 2));
  await writeFile(join(folder, "text"), "not a backup");
  const files = (await readdir(folder)).toSorted();
  for (const file of ["part", "text"]) {
    expect(await run(folder, "restore", file, elsewhere)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`^${file} is not a backup that works: .* Nothing was restored\\.\n$`),
      ),
    });
    expect(await readdir(join(folder, "restored"))).toEqual(["pglite.lock"]);
  }
  const failures = [
    ["backup", "missing/file", {}, /ENOENT/],
    ["backup", "b", { DATA_DIR: "none" }, /^DATA_DIR none contains no database\n$/],
    ["restore", "missing", elsewhere, /^missing does not exist\n$/],
    ["backup", "b", { ...settings, DATABASE_URL: "postgres://x/y" }, /^DATABASE_URL is set/],
  ] as const;
  for (const [name, file, env, message] of failures) {
    expect(await run(folder, name, file, env)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(message),
    });
  }
  expect((await readdir(folder)).toSorted()).toEqual([...files, "restored"].toSorted());
});
