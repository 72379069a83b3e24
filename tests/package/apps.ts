import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { app, configurations, page, queries, script } from "./programs.ts";

/** Runs a program, and returns its output. Rejects with that if it fails; with `mayFail`, it returns the errors too. */
export const run = async (
  cwd: string,
  [program = "", ...args]: readonly string[],
  { mayFail = false }: { mayFail?: boolean } = {},
): Promise<string> => {
  const child = spawn(program, args, {
    cwd,
    // Vitest's NODE_ENV would change what Vite builds.
    env: { ...process.env, NODE_ENV: undefined, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, "close");
  const [stdout, stderr] = await output;
  if (code !== 0 && !mayFail)
    throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return mayFail ? stdout + stderr : stdout;
};

const write = async (folder: string, files: Record<string, unknown>): Promise<void> => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    const isText = typeof content === "string";
    await writeFile(join(folder, path), isText ? content : JSON.stringify(content));
  }
};

/** Creates an empty folder outside the workspace. The caller removes it. */
export const folderOutside = (): Promise<string> => mkdtemp(join(tmpdir(), "taskwire-package-"));

/** Packs the client, and returns the path of the tarball. */
export const pack = async (workspace: string, into: string): Promise<string> => {
  await run(join(workspace, "client"), [
    "npx",
    "-y",
    "pnpm@12",
    "pack",
    "--pack-destination",
    into,
  ]);
  return join(into, "taskwire-client-0.1.0.tgz");
};

/** The name of the package that contains Node for this machine. */
const nodePackage = `node-${process.platform === "darwin" && process.arch === "arm64" ? "bin-" : ""}${
  process.platform === "win32" ? "win" : process.platform
}-${process.arch}`;

export const nodeVersions = ["20", "22", "24"] as const;

/** Installs what checks a package, and the versions of Node. */
export const installTools = async (folder: string): Promise<void> => {
  const nodes = nodeVersions.map((version) => [`node-${version}`, `npm:${nodePackage}@${version}`]);
  await write(folder, {
    "package.json": {
      private: true,
      dependencies: {
        "@arethetypeswrong/cli": "latest",
        publint: "latest",
        ...Object.fromEntries(nodes),
      },
    },
  });
  await run(folder, ["npm", "install", "--no-package-lock"]);
};

/** The versions of tRPC, each with the versions of TanStack Query that it works with. */
export const trpcVersions = {
  newest: { trpc: "11", query: "5" },
  oldest: { trpc: "11.0.0", query: "5.67.1" },
};

const installs = {
  npm: ["npm", "install", "--no-package-lock"],
  pnpm: ["npx", "-y", "pnpm@12", "install", "--no-frozen-lockfile"],
};

export type Installer = keyof typeof installs;

/** Writes an app that depends on the tarball, and installs its packages. */
export const installApp = async (
  folder: string,
  tarball: string,
  installer: Installer,
  { trpc, query }: { trpc: string; query: string },
): Promise<void> => {
  const tsconfig = (name: keyof typeof configurations) => ({
    ...(name === "strictest" && { extends: "@tsconfig/strictest/tsconfig.json" }),
    compilerOptions: {
      ...configurations[name],
      target: "es2022",
      jsx: "react-jsx",
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    },
    include: ["src"],
    // In nodenext, the declarations of this first version count as CommonJS, and have another QueryClient.
    exclude: name === "nodenext" && trpc === "11.0.0" ? ["src/queries.ts"] : [],
  });
  await write(folder, {
    "package.json": {
      private: true,
      type: "module",
      dependencies: {
        "@taskwire/client": `file:${tarball}`,
        "@tanstack/react-query": query,
        "@trpc/client": trpc,
        "@trpc/server": trpc,
        "@trpc/tanstack-react-query": trpc,
        react: "19",
        "react-dom": "19",
      },
      devDependencies: {
        "@tsconfig/strictest": "latest",
        "@types/node": "24",
        "@types/react": "19",
        "@types/react-dom": "19",
        "create-vite": "latest",
        typescript: "7",
        "typescript-5.9": "npm:typescript@~5.9",
        vite: "latest",
      },
      // Its releases are fewer than tRPC's, but it accepts only the version of its own release.
      overrides: {
        "@trpc/tanstack-react-query": {
          "@trpc/client": "$@trpc/client",
          "@trpc/server": "$@trpc/server",
        },
      },
    },
    "src/app.tsx": app,
    "src/queries.ts": queries,
    "script.js": script,
    "tsconfig.bundler.json": tsconfig("bundler"),
    "tsconfig.nodenext.json": tsconfig("nodenext"),
    "tsconfig.strictest.json": tsconfig("strictest"),
    ...Object.fromEntries(Object.entries(page).map(([name, file]) => [`page/${name}`, file])),
  });
  await run(folder, installs[installer]);
  await copyFile(
    join(folder, "node_modules/create-vite/template-react-ts/tsconfig.app.json"),
    join(folder, "tsconfig.vite.json"),
  );
};
