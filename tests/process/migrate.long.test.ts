import { tmpdir } from "node:os";
import { migrations } from "@taskwire/migrations";
import { expect, test } from "vitest";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { copyMigrations } from "../support/process/migrations-copy.ts";
import { finish, temporaryFolder } from "../support/process/test-process.ts";

test.each([[[]], [["constructor"]], [["down", "--json"]], [["up", "more"]]])(
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
  const outputLines = async (command: string, exitCode = 0) => {
    const args = command.split(" ");
    const { code, stdout, stderr } = await finish("migrate", { folder, env, args });
    expect(stderr).toBe("");
    expect(code).toBe(exitCode);
    return stdout.trimEnd().split("\n");
  };
  const names = migrations.map(({ name }) => name);
  const json = async (exitCode: number): Promise<unknown> =>
    JSON.parse((await outputLines("status --json", exitCode)).join(""));
  expect(await outputLines("status", 2)).toEqual(names.map((name) => `pending  ${name}`));
  expect(await json(2)).toEqual({ applied: [], pending: names });
  expect(await outputLines("down")).toEqual(["Nothing to revert"]);
  expect(await outputLines("up")).toEqual(names.map((name) => `Applied ${name}`));
  expect(await outputLines("up")).toEqual(["Nothing to apply"]);
  expect(await outputLines("status")).toEqual(
    names.map((name) => expect.stringMatching(`^applied  ${name}  2\\d{3}-\\d\\d-\\d\\dT.{8}Z$`)),
  );
  const applied_at = expect.stringMatching(/^2\d{3}-.*Z$/);
  const applied = names.map((name) => ({ name, applied_at }));
  expect(await json(0)).toEqual({ applied, pending: [] });
  const rejected = await finish("migrate", { folder, env, args: ["down"] });
  expect(rejected).toMatchObject({ code: 1, stdout: "" });
  expect(rejected.stderr).toContain(`Reverting ${names.at(-1)} deletes data:\n\n  drop table`);
  expect(await json(0)).toMatchObject({ pending: [] });
  expect(await outputLines("down --yes")).toEqual([`Reverted ${names.at(-1)}`]);
  expect(await outputLines("down --yes")).toEqual([`Reverted ${names.at(-2)}`]);
  // The function of this migration contains no data.
  expect(await outputLines("down")).toEqual([`Reverted ${names.at(-3)}`]);
  expect((await outputLines("status", 2)).at(-1)).toBe(`pending  ${names.at(-1)}`);
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
