import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "./documents.ts";

/** How a process ended. */
interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What a process wrote so far. */
interface Output {
  stdout: string;
  stderr: string;
}

interface Running extends Output {
  /** What matches in standard output, as soon as it does; fails if the process ends first. */
  until: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Sends a signal, and waits for the end. */
  kill: (signal: NodeJS.Signals) => Promise<Ending>;
  ended: Promise<Ending>;
}

interface Options {
  /** The working directory. */
  folder: string;
  /** The settings: nothing is inherited. */
  env?: Record<string, string> | undefined;
  args?: readonly string[];
  /** Options of Node itself. */
  node?: readonly string[];
}

// A quarter of a start is compiling what the start before compiled as well.
const compiled = { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "node") };

type Executable = "main" | "migrate" | "seed" | "import-users";

/** Starts an executable of the server. */
const start = (name: Executable, { folder, env = {}, args = [], node = [] }: Options): Running => {
  const file = join(root, "server", "src", `${name}.ts`);
  const child = spawn(process.execPath, [...node, file, ...args], {
    cwd: folder,
    env: { ...compiled, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  const ended = once(child, "close").then(([code, signal]): Ending => ({ code, signal }));
  const running: Running = {
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

/** Starts the server, and takes it along when the test ends. */
export const launch = (folder: string, env?: Record<string, string>): Running => {
  const running = start("main", { folder, env: { PORT: "0", ...env } });
  onTestFinished(async () => {
    await running.kill("SIGKILL");
  });
  return running;
};

/** Starts the server, and waits until it serves. */
export const serve = async (
  folder: string,
  env?: Record<string, string>,
): Promise<Running & { url: string }> => {
  const running = launch(folder, env);
  const [, url = ""] = await running.until(/REST at (http:\/\/[^/"]+)/);
  return Object.assign(running, { url });
};

/** Runs an executable to its end. */
export const finish = async (name: Executable, options: Options): Promise<Ending & Output> => {
  const running = start(name, options);
  const ending = await running.ended;
  return { ...ending, stdout: running.stdout, stderr: running.stderr };
};

/** A folder that the test has for itself. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-process-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
};
