import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { operationsOf, prefix } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { describe, expect, test } from "vitest";
import { contract } from "../support/conformance/contract.ts";
import { blocksOf, partOf, root, textOf } from "../support/docs/documents.ts";
import { skipsWithout } from "../support/setup/requirements.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";

const run = promisify(execFile);

/** The texts of the blocks of one language, in a part of a document. */
const textsIn = (document: string, part: string, language: string): string[] =>
  blocksOf(partOf(textOf(document), part)).flatMap((block) =>
    block.language === language ? [block.text] : [],
  );

/** A text without ids, times and tokens, which differ from run to run. */
const normalized = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "(id)")
    .replaceAll(/"(\w+_at)": ?"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"$1":"(time)"')
    .replaceAll(/"curl\/[\d.]+"/g, '"(curl)"')
    .replaceAll(/eyJ[\w-]+(?:…|\.[\w-]+\.[\w-]+)/g, "(token)");

const curlTours = [
  ["README.md", "curl"],
  ["docs/rest-tour.md", "tour"],
] as const;

describe.each(curlTours)("the curl commands of %s", (document, part) => {
  const commands = textsIn(document, part, "sh");

  test.skipIf(skipsWithout("curl"))("return the responses that are shown below them", async () => {
    const folder = await temporaryFolder();
    const { url } = await serve(folder);

    // One shell for all steps, as a reader has: later ones use the variables of earlier ones.
    const script = commands.map((text) => `${text}printf '\\0'\n`).join("");
    const { stdout } = await run(
      "bash",
      ["-euo", "pipefail", "-c", script.replaceAll("http://127.0.0.1:8000", url)],
      { cwd: folder },
    );
    const outputs = stdout.split("\0").slice(0, -1);
    const steps = (texts: readonly string[]) =>
      texts.map((text, step): unknown => ({
        command: commands[step],
        response: JSON.parse(normalized(text)),
      }));
    expect(steps(outputs)).toEqual(steps(textsIn(document, part, "json")));
  });

  test("call the server at its default address", () => {
    expect(commands.join("")).toContain(`api=http://127.0.0.1:8000${prefix}\n`);
  });
});

test("the curl tour calls every path of the contract that signs in or out", () => {
  const script = textsIn("docs/rest-tour.md", "tour", "sh").join("");
  const paths = operationsOf(appRouter).map(({ rest }) => rest.path);
  const visited = paths.filter((path) => new RegExp(`\\$api${path}\\s`).test(script));
  const inContract = (path: string) => contract.paths[`${prefix}${path}`] !== undefined;
  expect(visited).toEqual(
    expect.arrayContaining(paths.filter((path) => path.startsWith("/auth/") && inContract(path))),
  );
});

test.each([
  ["client/examples/quickstart.ts", "README.md", "quickstart"],
  ["client/examples/tour.ts", "docs/client.md", "tour-output"],
])("%s prints the output that %s shows", async (example, document, part) => {
  const { url } = await serve(await temporaryFolder());
  const { stdout, stderr } = await run(process.execPath, [join(root, example), url]);
  expect(stderr).toBe("");
  expect(textsIn(document, part, "text").map(normalized)).toEqual([normalized(stdout)]);
});
