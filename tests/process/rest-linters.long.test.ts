import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/docs/documents.ts";
import { npmProject } from "../support/process/npm-project.ts";

const document = join(root, "server/openapi.json");

test("redocly finds neither errors nor warnings in the OpenAPI document", async () => {
  const { run } = await npmProject("@redocly/cli@2.77.0");
  const output = await run("redocly", "lint", document, "--extends=recommended", "--format=json");
  const { totals } = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
});

test("spectral finds neither errors nor warnings in the OpenAPI document", async () => {
  const { folder, run, write } = await npmProject("@stoplight/spectral-cli@6.16.3");
  await write(".spectral.json", JSON.stringify({ extends: ["spectral:oas"] }));
  const options = ["--ruleset=.spectral.json", "--format=json", "--output=report.json"];
  await run("spectral", "lint", document, ...options);
  expect(JSON.parse(await readFile(join(folder, "report.json"), "utf8"))).toEqual([]);
});
