import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/process/free-port.ts";
import { type Running, start } from "../support/process/executable.ts";
import { openFiles, residentMiB } from "../support/process/resource-usage.ts";
import { type Proxy, startProxy } from "../support/external/proxy.ts";

/** A server process whose connection to the database can be broken. */
export interface Backend {
  name: string;
  url: string;
  /** Between the process and the database. */
  proxy: Proxy;
  /** Kills the process with SIGKILL. */
  kill: () => Promise<void>;
  /** Starts it again after `kill`, and waits until it is ready. */
  start: () => Promise<void>;
  /** Whether it was down, or had restarted less than 500 ms before, at any time between the two (`performance.now()`). */
  wasDown: (from: number, to: number) => boolean;
  /** Returns resident memory and open files, which must not grow over time. */
  measure: () => { mib: number; files: number };
  /** Returns its log (errors only), all of standard error, and unexpected exits. */
  complaints: () => string[];
  /** Stops it with SIGTERM, and returns the exit code. */
  stop: () => Promise<number | null>;
}

/** A small heap makes V8 collect garbage early, so that growing memory is a leak, and a leak crashes the process. */
const smallHeap = "--max-old-space-size=128";

/** Milliseconds until the process must be ready; long, for a busy machine. */
const maxStartTime = 30_000;

/** Milliseconds after a restart in which a client may still use a connection to the previous process. */
const staleConnections = 500;

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/health/ready`)).ok;
  } catch {
    return false;
  }
};

/**
 * Starts a server process behind a proxy to its database. It keeps its port when it restarts.
 * @param database a PostgreSQL's URL
 * @param env more settings
 */
export const startBackend = async (
  name: string,
  folder: string,
  database: string,
  env: Record<string, string>,
): Promise<Backend> => {
  const proxy = await startProxy(Number(new URL(database).port));
  const throughProxy = Object.assign(new URL(database), { port: String(proxy.port) }).href;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const downtimes: { from: number; to: number }[] = [];
  const runs: Running[] = [];
  const exits: string[] = [];
  const latest = (): Running => {
    const run = runs.at(-1);
    if (run === undefined) throw new Error(`${name} was never started`);
    return run;
  };
  let stopping = false;

  const watch = async (run: Running): Promise<void> => {
    const { code, signal } = await run.exited;
    if (!stopping && signal !== "SIGKILL") exits.push(`exited unexpectedly: ${code ?? signal}`);
  };

  const begin = async (): Promise<void> => {
    // Errors only, so that the log stays small: a healthy run logs none.
    const settings = { ...env, PORT: String(port), DATABASE_URL: throughProxy, LOG_LEVEL: "error" };
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
      downtimes.push({ from: performance.now(), to: Infinity });
      await latest().kill("SIGKILL");
    },
    start: async () => {
      await begin();
      const last = downtimes.at(-1);
      if (last !== undefined) last.to = performance.now() + staleConnections;
    },
    wasDown: (from, to) => downtimes.some((down) => down.from <= to && down.to >= from),
    measure: () => ({ mib: residentMiB(latest().pid), files: openFiles(latest().pid) }),
    complaints: () => [
      ...exits,
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
