import { expect, test } from "vitest";
import { parse } from "yaml";
import { textOf } from "../support/docs/documents.ts";

const folder = "tests/bench/peers";

test("what the peers of the benchmark share with this server has the same version there", () => {
  const { dependencies } = JSON.parse(textOf(`${folder}/package.json`)) as {
    dependencies: Record<string, string>;
  };
  const { catalog } = parse(textOf("pnpm-workspace.yaml")) as { catalog: Record<string, string> };
  const shared = Object.entries(dependencies).filter(([name]) => name in catalog);
  expect(shared).toEqual(["@trpc/server", "fastify", "zod"].map((name) => [name, catalog[name]]));
});

test("the peers' lock file names no registry", () => {
  expect(textOf(`${folder}/pnpm-lock.yaml`)).not.toMatch(/https?:/);
});
