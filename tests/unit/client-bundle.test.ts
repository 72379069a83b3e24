import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const entry = join(root, "client/src/index.ts");

/** Returns the packages and workspace folders that contain the files. */
const ownersOf = (files: readonly string[]): string[] =>
  [
    ...new Set(
      files.map((file) => {
        const inPackage = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
        return inPackage ?? file.replace(`${root}/`, "").split("/")[0] ?? file;
      }),
    ),
  ].toSorted();

test("a browser bundle of the client contains tRPC, the client and shared only", async () => {
  const bundle = await rolldown({ input: entry, platform: "browser", logLevel: "silent" });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  await bundle.close();
  const [chunk, ...others] = output;
  expect(others).toEqual([]);
  const files = Object.keys(chunk.modules).filter((file) => file.startsWith("/"));
  expect(ownersOf(files)).toEqual(["@trpc/client", "@trpc/server", "client", "shared"]);
  expect(files.filter((file) => file.includes("@trpc/server/dist/adapters"))).toEqual([]);
  expect(chunk.code).not.toMatch(/mikro-orm|fastify|argon2|ioredis|pglite|["'`]node:/i);
});

test("a program that imports the client compiles without reading zod or the server", () => {
  const folder = mkdtempSync(join(root, "tests/.types-"));
  try {
    writeFileSync(
      join(folder, "use.ts"),
      `import { createClient } from "@taskwire/client";\nexport const me = () => createClient({ url: "x" }).auth.me.query();\n`,
    );
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: "../../tsconfig.base.json",
        compilerOptions: { types: [], lib: ["es2024", "dom"] },
        files: ["use.ts"],
      }),
    );
    const listing = execFileSync(
      join(root, "node_modules/.bin/tsc"),
      ["-p", folder, "--listFiles", "--noEmit"],
      {
        encoding: "utf8",
      },
    );
    const owners = ownersOf(
      listing
        .trim()
        .split("\n")
        .filter((file) => !file.includes("/typescript/")),
    );
    expect(owners.filter((owner) => !/^typescript|@typescript/.test(owner))).toEqual([
      "@trpc/client",
      "@trpc/server",
      "client",
      "shared",
      "tests",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
