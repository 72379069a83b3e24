import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../support/docs/documents.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import {
  folderOutside,
  type Installer,
  installApp,
  installTools,
  nodeVersions,
  pack,
  run,
  trpcVersions,
} from "./apps.ts";

/** Bytes, gzipped, of an app that imports createClient and isApiError, with `@trpc/client`; 11.0 has 1.4 kB more itself. */
const maxBundleSize = { newest: 9000, oldest: 10_000 };

const folders: string[] = [];
const lines: string[] = [];
let tarball = "";
let tools = "";

const newFolder = async (): Promise<string> => {
  const folder = await folderOutside();
  folders.push(folder);
  return folder;
};

beforeAll(async () => {
  tarball = await pack(root, await newFolder());
  tools = await newFolder();
  await installTools(tools);
}, 600_000);

afterAll(async () => {
  console.log(["The packed client:", ...lines].join("\n  "));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

const inTools = (name: string): string => join(tools, "node_modules", name);

test("the tarball has ESM and declarations, which import tRPC only; React is for one entry", async () => {
  await run(tools, ["tar", "-xzf", tarball]);
  const paths = (await readdir(join(tools, "package"), { recursive: true })).filter((path) =>
    path.includes("."),
  );
  expect(paths.filter((path) => !/^dist\W[\w-]+\.(?:d\.ts|js)$/.test(path))).toEqual([
    "package.json",
  ]);
  const imported = new Map<string, string[]>();
  for (const path of paths.filter((name) => name.startsWith("dist"))) {
    const code = await readFile(join(tools, "package", path), "utf8");
    for (const [, name = ""] of code.matchAll(/(?:from|import\() ?"([^".][^"]*)"/g))
      imported.set(name, [...(imported.get(name) ?? []), basename(path)]);
  }
  expect([...imported.keys()].filter((name) => !name.startsWith("@trpc/"))).toEqual(["react"]);
  expect(imported.get("react")).toEqual(["react.js"]);
  lines.push(`${paths.length} files, ${(await readFile(tarball)).length} bytes packed`);
});

test("the manifest in the tarball can be published, and has peers only", async () => {
  const manifest: unknown = JSON.parse(
    await run(tools, ["tar", "-xzOf", tarball, "package/package.json"]),
  );
  expect(manifest).toMatchObject({
    type: "module",
    sideEffects: false,
    peerDependencies: { "@trpc/client": "^11", "@trpc/server": "^11", react: expect.any(String) },
    peerDependenciesMeta: { react: { optional: true } },
  });
  expect(manifest).not.toHaveProperty("private");
  expect(manifest).not.toHaveProperty("dependencies");
});

test("publint and attw find no fault", async () => {
  const publint = await run(tools, [inTools(".bin/publint"), "run", "--strict", tarball]);
  expect(publint).toContain("All good!");
  // Both fail with an exit code. The package has no CommonJS.
  const attw = await run(tools, [inTools(".bin/attw"), tarball, "--profile", "esm-only"]);
  expect(attw).toContain("bundler: 🟢");
  lines.push("publint and attw: clean");
});

const apps: { installer: Installer; age: keyof typeof trpcVersions }[] = [
  { installer: "npm", age: "newest" },
  { installer: "pnpm", age: "newest" },
  { installer: "npm", age: "oldest" },
];

describe.each(apps)("an app that $installer installed, with the $age tRPC 11", (options) => {
  const { installer, age } = options;
  let folder = "";
  let title = "";

  const versionOf = async (name: string): Promise<string> => {
    const file = await readFile(join(folder, "node_modules", name, "package.json"), "utf8");
    // Safe: npm accepts no package without a version.
    return (JSON.parse(file) as { version: string }).version;
  };

  beforeAll(async () => {
    folder = await newFolder();
    await installApp(folder, tarball, installer, trpcVersions[age]);
    title = `${installer}, tRPC ${await versionOf("@trpc/client")}`;
  }, 600_000);

  test("has no zod, and no package of the workspace but the client", () => {
    for (const name of ["zod", "@taskwire/shared"])
      expect(existsSync(join(folder, "node_modules", name))).toBe(false);
  });

  describe.each(["typescript-5.9", "typescript"])("with %s", (compiler) => {
    test.each(["bundler", "vite", "nodenext", "strictest"])(
      "compiles with the configuration %s",
      async (configuration) => {
        const tsc = join(folder, "node_modules", compiler, "bin/tsc");
        const project = `tsconfig.${configuration}.json`;
        const output = await run(folder, [process.execPath, tsc, "-p", project], { mayFail: true });
        // The declarations of other packages have faults without skipLibCheck.
        const faults = output
          .split("\n")
          .filter(
            (line) => !/^(?:$| |\S*node_modules\/(?!.*@taskwire)\S*\(\d+,\d+\): )/.test(line),
          );
        expect(faults).toEqual([]);
        lines.push(`${title}, TypeScript ${await versionOf(compiler)}, ${configuration}: compiles`);
      },
    );
  });

  test("signs up, creates, lists and signs out on each Node", async () => {
    const data = await temporaryFolder();
    await unpackDatabase(data);
    const { url } = await serve(data);
    for (const version of nodeVersions) {
      const node = inTools(`node-${version}/bin/node`);
      expect(JSON.parse(await run(folder, [node, "script.js", url]))).toEqual({
        node: version,
        isUser: true,
        created: "Pack",
        listed: ["Pack"],
        status: "signedOut",
        afterwards: "MISSING_TOKEN",
        mocked: [],
        others: ["function", "Task not found"],
      });
      lines.push(`${title}, Node ${version}: runs`);
    }
  });

  test("has a small bundle by Vite", async () => {
    const vite = join(folder, "node_modules/vite/bin/vite.js");
    const output = await run(folder, [process.execPath, vite, "build", "page"]);
    const [, size = ""] = /\.js .*gzip: +([\d.]+) kB/.exec(output) ?? [];
    lines.push(`${title}, Vite ${await versionOf("vite")}: ${size} kB gzipped`);
    expect(size).not.toBe("");
    expect(1000 * Number(size)).toBeLessThanOrEqual(maxBundleSize[age]);
  });
});
