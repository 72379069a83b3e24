import { tmpdir } from "node:os";
import { migrations } from "@taskwire/migrations";
import { expect, test } from "vitest";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { copyMigrations } from "../support/process/migrations-copy.ts";
import { finish, temporaryFolder } from "../support/process/test-process.ts";

test.each([[[]], [["constructor"]]])(
  "with the arguments %j, migrate prints its usage and exits with 1",
  async (args) => {
    const { code, stdout, stderr } = await finish("migrate", { folder: tmpdir(), args });
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^Usage: pnpm migrate COMMAND\n/);
    const commands = [...stderr.matchAll(/^ {2}(\w+)/gm)].map(([, command]) => command);
    expect(commands).toEqual(["up", "down", "status", "create", "check"]);
  },
);

test("up, status and down print the names of the migrations they applied, list or reverted", async () => {
  const folder = await temporaryFolder();
  const { env } = await emptyDatabase();
  const outputLines = async (command: string) => {
    const { code, stdout, stderr } = await finish("migrate", { folder, env, args: [command] });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    return stdout.trimEnd().split("\n");
  };
  const names = migrations.map(({ name }) => name);
  expect(await outputLines("status")).toEqual(names.map((name) => `pending  ${name}`));
  expect(await outputLines("down")).toEqual(["Nothing to revert"]);
  expect(await outputLines("up")).toEqual(names.map((name) => `Applied ${name}`));
  expect(await outputLines("up")).toEqual(["Nothing to apply"]);
  expect(await outputLines("status")).toEqual(
    names.map((name) => expect.stringMatching(`^applied  ${name}  2\\d{3}-\\d\\d-\\d\\dT.{8}Z$`)),
  );
  expect(await outputLines("down")).toEqual([`Reverted ${names.at(-1)}`]);
  expect((await outputLines("status")).at(-1)).toBe(`pending  ${names.at(-1)}`);
});

test("if one migration fails, up applies none, prints the reason and exits with 1", async () => {
  const { folder, node } = await copyMigrations((source) =>
    source.replace(/^ {2}\}$/m, "    this.addSql(`select 1 / 0`);\n  }"),
  );
  const { env, query } = await emptyDatabase();
  const { code, stdout, stderr } = await finish("migrate", { folder, env, node, args: ["up"] });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^Applied nothing: .*division by zero\n$/);
  expect(await query("select from pg_tables where tablename in ('users', 'tasks')")).toEqual([]);
});
