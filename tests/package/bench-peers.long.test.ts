import { expect, test } from "vitest";
import { root } from "../support/docs/documents.ts";
import { skipsWithoutLinux } from "../support/setup/requirements.ts";
import { run } from "./apps.ts";

interface Row {
  operation: string;
  summaries: unknown[];
}

const node = process.execPath;

// A response that differs or is an error ends the run. How many there are in a moment depends on the machine.
test.skipIf(skipsWithoutLinux)(
  "`pnpm bench --peers` measures all servers, and their sources have no type error",
  async () => {
    const options = ["--peers", "--quick", "--json", "--seconds", "0.1"];
    const output = await run(root, [node, "tests/bench/main.ts", ...options]);
    const rows = JSON.parse(output) as Row[];
    const servers = rows.map(({ operation, summaries }) => [operation, summaries.length]);
    expect(servers).toEqual([
      ["hello", 9],
      ["page of 20", 9],
      ["create", 9],
      ["batch of five", 2],
    ]);
    await run(root, [node, "node_modules/typescript/bin/tsc", "-p", "tests/bench/peers"]);
  },
);
