import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { operationsOf, prefix } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { expect, test } from "vitest";
import { contract } from "../support/conformance/contract.ts";
import { blocksOf, partOf, root, textOf } from "../support/docs/documents.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";

const run = promisify(execFile);

const tour = blocksOf(partOf(textOf("README.md"), "tour"));
const commands = tour.filter(({ language }) => language === "sh").map(({ text }) => text);
const answers = tour.filter(({ language }) => language === "json").map(({ text }) => text);

/** An answer without what differs from run to run. */
const general = (text: string): unknown =>
  JSON.parse(
    text
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "(id)")
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "(time)")
      .replace(/"curl\/[\d.]+"/g, '"(curl)"')
      .replace(/eyJ[\w-]+(?:…|\.[\w-]+\.[\w-]+)/g, "(token)"),
  );

// The two commands of the README ask for nothing but Node; CI installs curl.
const lacksCurl = spawnSync("curl", ["--version"]).error !== undefined;

test.skipIf(lacksCurl)("the README's curl tour answers as shown", async () => {
  const folder = await temporaryFolder();
  const { url } = await serve(folder);

  // One shell for all steps, as a reader has: later ones use what earlier ones kept.
  const script = commands.map((text) => `${text}printf '\\0'\n`).join("");
  const { stdout } = await run(
    "bash",
    ["-euo", "pipefail", "-c", script.replaceAll("http://127.0.0.1:8000", url)],
    { cwd: folder },
  );
  const outputs = stdout.split("\0").slice(0, -1);
  const steps = (texts: readonly string[]) =>
    texts.map((text, step) => ({ command: commands[step], answer: general(text) }));
  expect(steps(outputs)).toEqual(steps(answers));
});

test("the README's typed tour goes from registering to a refusal", async () => {
  const { url } = await serve(await temporaryFolder());
  const { stdout, stderr } = await run(process.execPath, [
    join(root, "client/examples/tour.ts"),
    url,
  ]);
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual([
    expect.stringMatching(/^Registered Ada as ada-[\w-]+@example\.com$/),
    "Signed in as Ada",
    "3 tasks are tagged Work; the first two:",
    "  Answer the auditor, due 2030-01-31T16:00:00.000Z",
    "  Book the train, due 2030-01-31T16:00:00.000Z",
    "and after them: Write the report",
    "Refused: Due date must be a valid ISO 8601 datetime (field due_date)",
    "Nobody is signed in any more",
    "",
  ]);
});

test("the README's curl tour has every way to sign in and out, at the default address", () => {
  const script = commands.join("");
  expect(script).toContain(`api=http://127.0.0.1:8000${prefix}\n`);
  const paths = operationsOf(appRouter).map(({ rest }) => rest.path);
  const visited = paths.filter((path) => new RegExp(`\\$api${path}\\s`).test(script));
  const inContract = (path: string) => contract.paths[`${prefix}${path}`] !== undefined;
  expect(visited).toEqual(
    expect.arrayContaining(paths.filter((path) => path.startsWith("/auth/") && inContract(path))),
  );
});
