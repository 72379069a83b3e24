import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/process/free-port.ts";
import { type Running, start } from "../support/process/executable.ts";
import { openFiles, residentMiB } from "../support/process/memory.ts";
import { type Proxy, startProxy } from "../support/external/proxy.ts";

/** One process of the server, behind whose back its database can be cut off. */
export interface Backend {
  name: string;
  url: string;
  /** Between it and the database. */
  proxy: Proxy;
  /** Ends it as a crash does. */
  kill: () => Promise<void>;
  /** Starts it again after that; done when it is ready. */
  start: () => Promise<void>;
  /** Whether it was down, or only just back, at some moment between the two (`performance.now()`). */
  wasDown: (from: number, to: number) => boolean;
  /** What a healthy process has no more of after an hour than after a minute. */
  measure: () => { mib: number; files: number };
  /** What it complained of so far: errors in its log, and all of standard error. */
  complaints: () => string[];
  /** Ends it properly; gives its exit code. */
  stop: () => Promise<number | null>;
}

/** V8 tidies up early, so that memory that grows is memory that is held; with a leak, the process dies of it. */
const smallHeap = "--max-old-space-size=128";

/** Milliseconds that a start may take on a busy machine. */
const maxStartTime = 30_000;

/** Milliseconds after a process is back in which a client may still hit upon its predecessor's connections. */
const aftermath = 500;

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/health/ready`)).ok;
  } catch {
    return false;
  }
};

/**
 * Starts the server on a port that it keeps.
 * @param database a PostgreSQL's URL
 * @param env further settings
 */
export const startBackend = async (
  name: string,
  folder: string,
  database: string,
  env: Record<string, string>,
): Promise<Backend> => {
  const proxy = await startProxy(Number(new URL(database).port));
  const behind = Object.assign(new URL(database), { port: String(proxy.port) }).href;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const downs: { from: number; to: number }[] = [];
  const runs: Running[] = [];
  const endings: string[] = [];
  const latest = (): Running => {
    const run = runs.at(-1);
    if (run === undefined) throw new Error(`${name} was never started`);
    return run;
  };
  let stopping = false;

  const watch = async (run: Running): Promise<void> => {
    const { code, signal } = await run.ended;
    if (!stopping && signal !== "SIGKILL") endings.push(`ended by itself: ${code ?? signal}`);
  };

  const begin = async (): Promise<void> => {
    // Errors only, so that an hour's log is no burden: a healthy run has none.
    const settings = { ...env, PORT: String(port), DATABASE_URL: behind, LOG_LEVEL: "error" };
    const run = start("main", { folder, env: settings, lifetime: 0, node: [smallHeap] });
    runs.push(run);
    void watch(run);
    const deadline = performance.now() + maxStartTime;
    while (!(await isReady(url))) {
      if (performance.now() > deadline) throw new Error(`${name} does not become ready`);
      await sleep(50);
    }
  };
  await begin();

  return {
    name,
    url,
    proxy,
    kill: async () => {
      downs.push({ from: performance.now(), to: Infinity });
      await latest().kill("SIGKILL");
    },
    start: async () => {
      await begin();
      const last = downs.at(-1);
      if (last !== undefined) last.to = performance.now() + aftermath;
    },
    wasDown: (from, to) => downs.some((down) => down.from <= to && down.to >= from),
    measure: () => ({ mib: residentMiB(latest().pid) ?? 0, files: openFiles(latest().pid) ?? 0 }),
    complaints: () => [
      ...endings,
      ...runs.flatMap(({ stdout, stderr }) => `${stdout}${stderr}`.split("\n").filter(Boolean)),
    ],
    stop: async () => {
      stopping = true;
      const { code } = await latest().kill("SIGTERM");
      await proxy.close();
      return code;
    },
  };
};
