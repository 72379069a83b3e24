import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { blocksOf, diffOf, partOf, root, textOf } from "../support/docs/documents.ts";

/** Copies the project, and shares the installed packages with the original. */
const copyProject = async (): Promise<string> => {
  const copy = await mkdtemp(join(tmpdir(), "taskwire-recipe-"));
  onTestFinished(() => rm(copy, { recursive: true }));
  await cp(root, copy, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !/^(?:node_modules|\.git|\.data)$/.test(relative(root, path)),
  });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
};

/** Calls the new procedure with the generated client; only its types matter. */
const clientCall = `import { createClient } from "@taskwire/client";

const client = createClient({ url: "http://127.0.0.1:8000" });
const { name } = await client.account.rename.mutate({ name: "Ada" });
console.log(name?.length);
`;

test("the recipe of docs/adding-a-procedure.md adds a procedure that is served, typed, documented and tested", async () => {
  const copy = await copyProject();
  const steps = blocksOf(partOf(textOf("docs/adding-a-procedure.md"), "recipe"));
  for (const step of steps) {
    const path = join(copy, step.path ?? "");
    if (step.language === "diff") {
      const { before, after } = diffOf(step);
      const source = await readFile(path, "utf8");
      await writeFile(path, before === "" ? source + after : source.replace(before, () => after));
    } else await writeFile(path, step.text, { flag: "wx" });
  }
  const example = "client/examples/rename.ts";
  await writeFile(join(copy, example), clientCall, { flag: "wx" });

  const outputOf = async (name: string, ...args: string[]) => {
    const path = name === "node" ? process.execPath : join(root, "node_modules/.bin", name);
    const child = spawn(path, args, { cwd: copy });
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await once(child, "exit");
    return { code, text: (await output).join("") };
  };
  const succeeds = async (...command: Parameters<typeof outputOf>): Promise<void> => {
    const output = await outputOf(...command);
    if (output.code !== 0) throw new Error(`${command.join(" ")} failed:\n${output.text}`);
  };
  await succeeds("node", "server/src/cli/generate.ts");
  const document = await readFile(join(copy, "server/openapi.json"), "utf8");
  expect(JSON.parse(document)).toHaveProperty(["paths", "/api/v1/account", "patch"]);

  const sources = steps.flatMap(({ path = "" }) => (path.endsWith(".ts") ? [path] : []));
  // Only errors in the recipe's own files count, so that unfinished work elsewhere does not fail this test.
  const types = await outputOf("tsc", "-p", "tsconfig.json");
  expect(types.code === 0 || /: error TS\d+:/.test(types.text)).toBe(true);
  expect(types.text).not.toMatch(new RegExp([...sources, example].join("|")));
  await succeeds("oxlint", "--type-aware", ...sources);
  await succeeds("oxfmt", "--check", ...sources);
  const tests = ["tests/api/account.test.ts", "tests/unit/openapi.test.ts"];
  await succeeds("vitest", "run", "--project=unit", "--project=pglite", ...tests);
}, 600_000);
