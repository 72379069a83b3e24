import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root, textOf } from "../docs/documents.ts";

/** Exit code or signal of a process. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The output of a process so far. */
export interface Output {
  stdout: string;
  stderr: string;
}

export interface Running extends Output {
  pid: number;
  /** Waits until standard output matches, and returns the match. Rejects if the process exits first. */
  until: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Closes standard output and standard error, as a reader that goes away does. */
  closeOutput: () => void;
  /** Sends a signal, and waits for the exit. */
  kill: (signal: NodeJS.Signals) => Promise<Exit>;
  exited: Promise<Exit>;
}

export interface Options {
  /** The working directory. */
  folder: string;
  /** The settings: no variable is inherited. */
  env?: Record<string, string> | undefined;
  args?: readonly string[];
  /** Milliseconds until the process is killed, so that no test leaves one running; 0 for no limit. */
  lifetime?: number;
  /** Options of Node itself. */
  node?: readonly string[];
}

// Without a shared cache, compiling takes a quarter of each start.
const compileCache = { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "node") };

const files = {
  main: "server/src/main.ts",
  migrate: "server/src/cli/migrate.ts",
  seed: "server/src/cli/seed.ts",
  "import-users": "server/src/cli/import-users.ts",
  "revoke-sessions": "server/src/cli/revoke-sessions.ts",
  backup: "server/src/cli/backup.ts",
  restore: "server/src/cli/restore.ts",
  example: "client/examples/react/start.ts",
  baseline: "tests/bench/baseline/server.ts",
  stock: "tests/bench/stock/server.ts",
  procedures: "tests/bench/procedures/server.ts",
  "peers/fastify": "tests/bench/peers/fastify.ts",
  "peers/ts-rest": "tests/bench/peers/ts-rest.ts",
  "peers/hono": "tests/bench/peers/hono.ts",
  "peers/orpc-rpc": "tests/bench/peers/orpc-rpc.ts",
  "peers/orpc-openapi": "tests/bench/peers/orpc-openapi.ts",
  "peers/orpc-fastify": "tests/bench/peers/orpc-fastify.ts",
  "peers/trpc-fastify": "tests/bench/peers/trpc-fastify.ts",
};

export type Executable = keyof typeof files;

/** The options of Node in the script `start`, with which every server of the tests runs. */
export const startOptions = (
  /^ *"start": "node (.*) server\/src\/main\.ts"/m.exec(textOf("package.json"))?.[1] ?? ""
).split(" ");

/** Starts an executable as a child process. */
export const start = (
  name: Executable,
  { folder, env = {}, args = [], lifetime = 300_000, node = [] }: Options,
): Running => {
  const options = name === "main" ? [...startOptions, ...node] : node;
  const child = spawn(process.execPath, [...options, join(root, files[name]), ...args], {
    cwd: folder,
    env: { ...compileCache, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: lifetime,
    killSignal: "SIGKILL",
  });
  const exited = once(child, "close").then(([code, signal]): Exit => ({ code, signal }));
  const running: Running = {
    pid: child.pid ?? 0,
    stdout: "",
    stderr: "",
    exited,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const resolveOnMatch = (): void => {
          const match = pattern.exec(running.stdout);
          if (match !== null) resolve(match);
        };
        child.stdout.on("data", resolveOnMatch);
        child.once("close", () => {
          reject(
            new Error(
              `Exited before output matched ${pattern}:\n${running.stdout}${running.stderr}`,
            ),
          );
        });
        resolveOnMatch();
      }),
    closeOutput: () => {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    kill: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (running.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (running.stderr += text));
  return running;
};

/** Waits until a server listens, and adds its URL. */
export const served = async (running: Running): Promise<Running & { url: string }> => {
  const [, url = ""] = await running.until(/REST at (http:\/\/[^/"]+)/);
  // The address that it listens on: another process may have the same port of ::1, which localhost is too.
  return Object.assign(running, { url: url.replace("//localhost:", "//127.0.0.1:") });
};
