import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/docs/documents.ts";
import { npmProject } from "../support/process/npm-project.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";

test("every request of the Bruno collection succeeds on a new server, in the collection's order, and again", async () => {
  const { url } = await serve(await temporaryFolder());
  const { folder, run } = await npmProject("@usebruno/cli@4.1.0");
  const collection = join(root, "docs/bruno");
  await cp(collection, folder, { recursive: true });
  const requests = (await readdir(collection)).filter((name) => name.endsWith(".bru"));
  for (let round = 0; round < 2; round++) {
    const options = ["--env=local", `--env-var=baseUrl=${url}`, "--reporter-json=report.json"];
    await run("bru", "run", ...options);
    const report: unknown = JSON.parse(await readFile(join(folder, "report.json"), "utf8"));
    expect(report).toMatchObject([
      {
        summary: {
          totalRequests: requests.length,
          passedRequests: requests.length,
          totalAssertions: requests.length,
          passedAssertions: requests.length,
        },
      },
    ]);
  }
});
