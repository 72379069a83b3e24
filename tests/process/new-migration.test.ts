import { cp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { root } from "../support/documents.ts";
import { emptyDatabase } from "../support/empty-database.ts";
import { finish, temporaryFolder } from "../support/process.ts";

/** Lets an executable find the migrations in another folder. */
const redirectTo = (folder: string): string[] => {
  const index = JSON.stringify(pathToFileURL(join(folder, "index.ts")).href);
  const hook = `import { registerHooks } from "node:module";
    registerHooks({ resolve: (name, context, next) =>
      next(name === "@taskwire/migrations" ? ${index} : name, context) });`;
  return ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
};

/** A copy of the migrations from which a line is missing. */
const migrationsWithout = async (line: RegExp): Promise<string> => {
  const folder = join(await temporaryFolder(), "migrations");
  const original = join(root, "migrations");
  await cp(original, folder, { recursive: true, filter: (path) => !path.endsWith("node_modules") });
  await symlink(join(original, "node_modules"), join(folder, "node_modules"));
  for (const name of await readdir(folder)) {
    if (!/^\d{14}_\w+\.ts$/.test(name)) continue;
    const path = join(folder, name);
    await writeFile(path, (await readFile(path, "utf8")).replace(line, ""));
  }
  return folder;
};

test("create writes what the entities have and the migrations do not, until check agrees", async () => {
  const folder = await migrationsWithout(/^.*"idx_tasks_user_due_date".*\n/m);
  const node = redirectTo(folder);
  const { env } = await emptyDatabase();
  const migrate = (...args: string[]) => finish("migrate", { folder, env, node, args });

  const drift = await migrate("check");
  expect(drift.code).toBe(1);
  expect(drift.stdout).toBe("");
  expect(drift.stderr).toMatch(
    /^Entities and migrations disagree\. `pnpm migrate create NAME` would/,
  );
  expect(drift.stderr).toMatch(/create index "idx_tasks_user_due_date"/);

  const made = await migrate("create", "index_due_dates");
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const files = await readdir(folder);
  const file = files.find((name) => /^\d{14}_index_due_dates\.ts$/.test(name)) ?? "none";
  expect(made.stdout).toBe(`Wrote ${join(folder, file)}\nWrote ${join(folder, "index.ts")}\n`);

  expect(await migrate("check")).toMatchObject({
    code: 0,
    stdout: "Entities and migrations agree\n",
  });
  expect((await migrate("up")).stdout).toMatch(/^Applied \d{14}_index_due_dates$/m);
  expect((await migrate("down")).stdout).toMatch(/^Reverted \d{14}_index_due_dates$/m);
}, 60_000);

test.each([
  ["", "words in lower case"],
  ["../escape", "words in lower case"],
  ["migration", "The name migration is taken"],
  ["initial", "The name initial is taken"],
])("create refuses the name %j", async (name, message) => {
  const folder = await migrationsWithout(/^$/);
  const node = redirectTo(folder);
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
