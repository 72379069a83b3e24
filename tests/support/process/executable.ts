import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "../docs/documents.ts";

/** How a process ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What a process wrote so far. */
export interface Output {
  stdout: string;
  stderr: string;
}

export interface Running extends Output {
  pid: number;
  /** What matches in standard output, as soon as it does; fails if the process ends first. */
  until: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Sends a signal, and waits for the end. */
  kill: (signal: NodeJS.Signals) => Promise<Ending>;
  ended: Promise<Ending>;
}

export interface Options {
  /** The working directory. */
  folder: string;
  /** The settings: nothing is inherited. */
  env?: Record<string, string> | undefined;
  args?: readonly string[];
  /** Milliseconds after which it is killed, so that no test leaves one behind; 0 for never. */
  lifetime?: number;
  /** Options of Node itself. */
  node?: readonly string[];
}

// A quarter of a start is compiling what the start before compiled as well.
const compiled = { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "node") };

export type Executable = "main" | "migrate" | "seed" | "import-users";

/** Starts an executable of the server. */
export const start = (
  name: Executable,
  { folder, env = {}, args = [], lifetime = 120_000, node = [] }: Options,
): Running => {
  const file = join(root, "server", "src", name === "main" ? "main.ts" : join("cli", `${name}.ts`));
  const child = spawn(process.execPath, [...node, file, ...args], {
    cwd: folder,
    env: { ...compiled, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: lifetime,
    killSignal: "SIGKILL",
  });
  const ended = once(child, "close").then(([code, signal]): Ending => ({ code, signal }));
  const running: Running = {
    pid: child.pid ?? 0,
    stdout: "",
    stderr: "",
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(running.stdout);
          if (match !== null) resolve(match);
        };
        child.stdout.on("data", look);
        child.once("close", () => {
          reject(new Error(`Ended before ${pattern}:\n${running.stdout}${running.stderr}`));
        });
        look();
      }),
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (running.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (running.stderr += text));
  return running;
};

/** Waits until a server serves, and tells where. */
export const served = async (running: Running): Promise<Running & { url: string }> => {
  const [, url = ""] = await running.until(/REST at (http:\/\/[^/"]+)/);
  return Object.assign(running, { url });
};
