// From the start of the process to its first answer: node tests/load/start-times.ts [RUNS]
// Prints medians, with the shortest and the longest time, as a table for docs/performance.md. Starts its own PostgreSQL.
// Needs Linux, and a machine on which nothing else runs. Ten runs take about two minutes.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../support/docs/documents.ts";
import { startPostgres } from "../support/external/postgres.ts";
import { served, start } from "../support/process/executable.ts";
import { cpuSeconds, residentMiB } from "../support/process/resource-usage.ts";
import { spreadOf } from "./timing.ts";

const runs = Number(process.argv[2] ?? 10);
const folder = await mkdtemp(join(tmpdir(), "taskwire-start-"));
const postgres = await startPostgres(20);

const common = {
  PORT: "0",
  NODE_ENV: "production",
  JWT_SECRET_KEY: randomBytes(32).toString("hex"),
  DRAIN_DELAY: "0",
};
const onPostgres = { ...common, DATABASE_URL: postgres.url };
const dataDir = join(folder, "data");
const embedded = { ...common, DATA_DIR: dataDir };

/** Starts a server several times, and prints a row of the table. */
const measure = async (name: string, env: Record<string, string>, prepare?: () => unknown) => {
  const samples: Record<"ms" | "cpu" | "rss", number>[] = [];
  for (let run = 0; run < runs; run++) {
    await prepare?.();
    const startedAt = performance.now();
    const server = await served(start("main", { folder, env, lifetime: 0 }));
    const response = await fetch(`${server.url}/health/ready`);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    const ms = performance.now() - startedAt;
    samples.push({ ms, cpu: cpuSeconds(server.pid) * 1000, rss: residentMiB(server.pid) });
    await server.kill("SIGTERM");
  }
  const [ms, cpu, rss] = (["ms", "cpu", "rss"] as const).map((key) =>
    spreadOf(samples.map((sample) => sample[key])),
  );
  console.log(`| ${name} | ${ms} ms | ${cpu} ms | ${rss} MiB |`);
};

/** Prints how long pnpm takes to run a script that does nothing. */
const measurePnpm = async (): Promise<void> => {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    const args = ["-y", "pnpm@12", "exec", "node", "--eval", "0"];
    const [code] = await once(spawn("npx", args, { cwd: root, stdio: "ignore" }), "exit");
    if (code !== 0) throw new Error(`pnpm: exit code ${code}`);
    times.push(performance.now() - startedAt);
  }
  console.log(`| \`npx -y pnpm@12\` adds | ${spreadOf(times)} ms | | |`);
};

try {
  await start("migrate", { folder, env: onPostgres, args: ["up"] }).exited;
  console.log("| Start | First answer after | CPU time | Memory then |\n| --- | --- | --- | --- |");
  await measure("PostgreSQL", onPostgres);
  const noCache = { NODE_DISABLE_COMPILE_CACHE: "1" };
  await measure("PostgreSQL, no compiled code kept", { ...onPostgres, ...noCache });
  await measure("Embedded, new database", embedded, () =>
    rm(dataDir, { recursive: true, force: true }),
  );
  await measure("Embedded", embedded);
  await measurePnpm();
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true });
}
