import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { copyMigrations } from "../support/process/migrations-copy.ts";
import { finish } from "../support/process/test-process.ts";

test("create writes a migration with the missing index, then check passes, and up and down work", async () => {
  const { folder, node } = await copyMigrations((source) =>
    source.replace(/^.*"idx_tasks_user_due_date".*\n/m, ""),
  );
  const { env } = await emptyDatabase();
  const migrate = (...args: string[]) => finish("migrate", { folder, env, node, args });

  const drift = await migrate("check");
  expect(drift.code).toBe(2);
  expect(drift.stdout).toBe("");
  expect(drift.stderr).toMatch(
    /^Entities and migrations disagree\. `pnpm migrate create NAME` would/,
  );
  expect(drift.stderr).toMatch(/create index "idx_tasks_user_due_date"/);

  const created = await migrate("create", "index_due_dates");
  expect(created).toMatchObject({ code: 0, stderr: "" });
  const files = await readdir(folder);
  const file = files.find((name) => /^\d{14}_index_due_dates\.ts$/.test(name)) ?? "none";
  expect(created.stdout).toBe(`Wrote ${join(folder, file)}\nWrote ${join(folder, "index.ts")}\n`);

  expect(await migrate("check")).toMatchObject({
    code: 0,
    stdout: "Entities and migrations agree\n",
  });
  expect((await migrate("up")).stdout).toMatch(/^Applied \d{14}_index_due_dates$/m);
  expect((await migrate("down")).stdout).toMatch(/^Reverted \d{14}_index_due_dates$/m);
});

test.each([
  ["", "words in lower case"],
  ["../escape", "words in lower case"],
  ["migration", "The name migration is already used"],
  ["initial", "The name initial is already used"],
])('create rejects the name %j with "%s" and writes no file', async (name, message) => {
  const { folder, node } = await copyMigrations((source) => source);
  const before = await readdir(folder);
  const { code, stdout, stderr } = await finish("migrate", {
    folder,
    node,
    args: ["create", name],
  });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain(message);
  expect(await readdir(folder)).toEqual(before);
});
