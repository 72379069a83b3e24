import { expect, test } from "vitest";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

test("a start on PostgreSQL warns about pending migrations and does not apply them", async () => {
  const folder = await temporaryFolder();
  const { env, query } = await emptyDatabase();
  const before = await serve(folder, env);
  expect(before.stdout).toMatch(/"level":"warn".*Migrations are pending: run `pnpm migrate up`/);
  const tables = "select tablename from pg_tables where schemaname = 'public'";
  expect(await query(tables)).toEqual([]);
  const readiness = async (url: string) => (await fetch(`${url}/health/ready`)).status;
  expect(await readiness(before.url)).toBe(503);

  const migrated = await finish("migrate", { folder, env, args: ["up"] });
  expect(migrated).toMatchObject({ code: 0, stderr: "" });
  await expect.poll(() => readiness(before.url)).toBe(200);
  const after = await serve(folder, env);
  expect(after.stdout).not.toContain("warn");
  const ada = await signedInUser(after);
  expect(await query("select id from users")).toEqual([{ id: ada.id }]);
  expect(await after.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(before.stderr + after.stderr).toBe("");
});

test("if two processes migrate at once, one applies the migrations and the other waits, then applies nothing", async () => {
  const folder = await temporaryFolder();
  const { env, query } = await emptyDatabase();
  const up = () => finish("migrate", { folder, env, args: ["up"] });
  // Holds the lock of server/src/db/migrator.ts until both processes wait for it.
  await query("select pg_advisory_lock(82759473)");
  const both = Promise.all([up(), up()]);
  const waiting = "select from pg_locks where locktype = 'advisory' and not granted";
  await expect.poll(() => query(waiting)).toHaveLength(2);
  await query("select pg_advisory_unlock(82759473)");
  const outcomes = await both;
  expect(outcomes).toMatchObject([{ code: 0 }, { code: 0 }]);
  expect(outcomes.map(({ stdout }) => stdout).toSorted()).toEqual([
    expect.stringMatching(/^Applied \d{14}_\w+\n/),
    "Nothing to apply\n",
  ]);
});
