import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import bcrypt from "bcrypt";
import { expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { openSession } from "../support/external/sql-session.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";
import { secret } from "../support/setup/server.ts";

const newUser = (password_hash: string, email = `${randomUUID()}@example.com`) =>
  JSON.stringify({ id: randomUUID(), email, password_hash, created_at: "2024-05-06T07:08:09Z" });

test("imports accounts into an embedded database, reports invalid lines, and the accounts can sign in", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const password_hash = await bcrypt.hash("correct horse", 12);
  const lines = [newUser(password_hash, "ada@example.com"), newUser("none"), "?"];
  await writeFile(join(folder, "users.jsonl"), lines.join("\n"));
  const outcome = await finish("import-users", { folder, args: ["users.jsonl"] });
  expect(outcome.code).toBe(1);
  expect(JSON.parse(outcome.stderr)).toEqual({
    level: "info",
    time: expect.any(String),
    event: "usersImported",
    created: 1,
    existing: 0,
    rejected: 2,
    msg: "Users imported",
  });
  expect(outcome.stdout.split("\n")).toEqual([
    "line 2: password_hash must be a bcrypt hash: $2a$ or $2b$, with 4 to 14 rounds",
    "line 3: is not a JSON object in UTF-8",
    "Imported 1, existing 0, rejected 2 of 3 lines",
    "",
  ]);

  const { url } = await serve(folder, { RATE_LIMIT_LOGIN: "1000" });
  const login = (username: string, password: string) =>
    fetch(`${url}/api/v1/auth/login`, {
      method: "POST",
      body: new URLSearchParams({ username, password }),
    });
  /** The least milliseconds of three sign-ins, because the machine may delay each of them. */
  const minTime = async (username: string, password: string, expected: number) => {
    const times: number[] = [];
    for (let attempt = 0; attempt < 20 && times.length < 3; attempt++) {
      const start = performance.now();
      const { status } = await login(username, password);
      if (status === expected) times.push(performance.now() - start);
      // On a slow machine, bcrypt takes longer than the deadline of a call.
      else if (status !== 503) throw new Error(`A sign-in got status ${status}`);
    }
    return Math.min(...times);
  };
  const failed = await minTime("unknown@example.com", "wrong horse", 401);
  // The first sign-in replaces the bcrypt hash by one of argon2id, which takes an eighth of the time.
  const succeeded = await minTime("ada@example.com", "correct horse", 200);
  expect(succeeded).toBeLessThan(Infinity);
  // At its start the server found the bcrypt hash, so a failure takes three times as long as such a hash.
  expect(failed).toBeGreaterThan(2 * succeeded);
});

test("imports accounts into PostgreSQL with progress, fails while the table is locked, and can be repeated", async () => {
  const folder = await temporaryFolder();
  const { url, drop } = await clonePostgres();
  onTestFinished(drop);
  const password_hash = await bcrypt.hash("correct horse", 4);
  const lines = Array.from({ length: 5500 }, () => newUser(password_hash));
  await writeFile(join(folder, "users.jsonl"), `${lines.join("\n")}\n`);
  const importUsers = () =>
    finish("import-users", {
      folder,
      args: ["users.jsonl"],
      env: { DATABASE_URL: url, JWT_SECRET_KEY: secret },
    });
  // A session without time limits: it holds its lock for as long as the process takes to start.
  const locker = await openSession(url);
  onTestFinished(() => locker.end());
  await locker.query("begin; lock table users");
  expect(await importUsers()).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(
      /^The database is unavailable or overloaded\. .* run the command again/,
    ),
  });
  await locker.query("rollback");
  expect(await importUsers()).toMatchObject({
    code: 0,
    stdout: "Imported 5500, existing 0, rejected 0 of 5500 lines\n",
    stderr: expect.stringMatching(
      /^5000 lines\n\{.*"event":"usersImported","created":5500,.*\}\n$/,
    ),
  });
  expect(await importUsers()).toMatchObject({
    code: 0,
    stdout: "Imported 0, existing 5500, rejected 0 of 5500 lines\n",
  });
});

test("fails with the reason if the file argument, the file or the migrations are missing", async () => {
  const folder = await temporaryFolder();
  const { env } = await emptyDatabase();
  const errorOutput = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await finish("import-users", { folder, args, env });
    expect([code, stdout]).toEqual([1, ""]);
    return stderr;
  };
  expect(await errorOutput([])).toBe("Usage: pnpm import-users FILE\n");
  expect(await errorOutput(["users.jsonl"])).toMatch(
    /^The file cannot be read: ENOENT.*users\.jsonl'\n$/,
  );
  await writeFile(join(folder, "users.jsonl"), "");
  expect(await errorOutput(["users.jsonl"])).toBe(
    "Migrations are pending: run `pnpm migrate up` first\n",
  );
});
