import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root, textOf } from "../support/docs/documents.ts";

const maxLines = 200;
const maxLooseFiles = 7;

const sources = ["server/src", "client/src", "shared/src", "migrations"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => `${folder}/${name}`),
);

test("no source file has more than 200 lines, except generated ones", () => {
  expect(sources).toContain("server/src/main.ts");
  const long = sources.filter(
    (path) =>
      !path.endsWith(".generated.ts") && textOf(path).trimEnd().split("\n").length > maxLines,
  );
  expect(long).toEqual([]);
});

test("at most seven files are in server/src itself: every other file has a folder", () => {
  const loose = sources.filter((path) => /^server\/src\/[^/]+$/.test(path));
  expect(loose.slice(maxLooseFiles)).toEqual([]);
});
