// The tables of "Scale" in docs/performance.md, as markdown: node tests/load/curves.ts [--seconds N]
// Speed by the number of connections, of a user's tasks, and of processes. Starts its own PostgreSQL and servers.
// Needs Linux, and a machine on which nothing else runs. With three seconds a point it takes about four minutes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { type BenchUser, seed, signedInUsers } from "../bench/data.ts";
import { load, requestsOf } from "../bench/load.ts";
import { type Operation, operationsFor } from "../bench/operations.ts";
import { resetStatements, settings, type Target, untilListening } from "../bench/targets.ts";
import { startPostgres } from "../support/external/postgres.ts";
import { start } from "../support/process/executable.ts";
import { freePort } from "../support/process/free-port.ts";
import { peakMiB } from "../support/process/resource-usage.ts";
import { required } from "../support/setup/required.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "3" } } });
const seconds = Number(values.seconds);

const connectionCounts = [1, 4, 16, 64, 256, 1024];
const taskCounts = [10, 100, 1000, 10_000, 100_000];
const size = {
  users: 100,
  tasksPerUser: 100,
  tasksOfLargeUser: 100,
  tasksOfFirstUsers: taskCounts,
};

const operations = operationsFor(size);
const operationNamed = (name: string): Operation =>
  required(
    operations.find((operation) => operation.name === name),
    name,
  );
const create = operationNamed("REST create");
const [me, list] = [operationNamed("REST me"), operationNamed("REST list of 20, page 1")];
const search = operationNamed("REST search");
const lastPageOf = (tasks: number): Operation => ({
  ...list,
  name: "REST list of 20, last page",
  request: () => ({ method: "GET", path: `/api/v1/tasks?page=${Math.ceil(tasks / 20)}` }),
});

const row = (cells: readonly (string | number)[]): void => console.log(`| ${cells.join(" | ")} |`);
const header = (cells: readonly string[]): void => {
  console.log("");
  row(cells);
  row(cells.map(() => "---"));
};
const whole = (value: number): string => Math.round(value).toLocaleString("en");

type Result = Awaited<ReturnType<typeof load>>;
const errorsOf = (results: readonly Result[]): string => {
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  return errors === 0 ? "" : `, ${whole(errors)} errors`;
};

const folder = await mkdtemp(join(tmpdir(), "taskwire-curves-"));
const postgres = await startPostgres(100, { settings: ["shared_buffers=256MB"] });
const cleanups: (() => unknown)[] = [postgres.stop, () => rm(folder, { recursive: true })];

const startServer = async (users: readonly BenchUser[]): Promise<Target> => {
  const port = await freePort();
  const env = { ...settings, DATABASE_URL: postgres.url, PORT: String(port) };
  const server = start("main", { folder, env, lifetime: 0 });
  cleanups.unshift(() => server.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  await untilListening(url, server);
  return { name: "taskwire", url, pid: server.pid, users };
};

try {
  const orm = await openPostgres(postgres.url, { poolMin: 0, poolMax: 1, statementTimeout: false });
  cleanups.unshift(orm.close);
  await migrateUp(orm);
  console.error("Inserting tasks");
  await seed(orm, size);
  const users = await signedInUsers(orm);
  const alike = users.slice(taskCounts.length);
  const first = await startServer(users);

  /** Loads servers at the same time, and deletes what was created. */
  const loadAll = async (
    servers: readonly Target[],
    operation: Operation,
    as: readonly BenchUser[],
    connections: number,
  ): Promise<Result[]> => {
    const share = connections / servers.length;
    const results = await Promise.all(
      servers.map((server) =>
        load(server, { requestOf: requestsOf(operation, as), seconds }, share),
      ),
    );
    // Waits for the calls of closed connections, which would slow the next point down.
    const headers = { authorization: `Bearer ${required(as[0], "user").token}` };
    for (const { url } of servers) await fetch(`${url}/api/v1/auth/me`, { headers });
    if (operation === create) for (const each of resetStatements) await orm.em.execute(each);
    return results;
  };

  console.error("Warming up");
  for (const operation of [me, list, create]) await loadAll([first], operation, alike, 16);

  for (const operation of [me, list, create]) {
    console.log(`\n${operation.name}, users with ${size.tasksPerUser} tasks:`);
    header(["Connections", "Requests a second", "p50", "p99", "CPU time of a request", "Memory"]);
    for (const connections of connectionCounts) {
      const [result] = await loadAll([first], operation, alike, connections);
      const { requestsPerSecond, p50, p99, cpu, rssMiB } = required(result, "result");
      const rate = whole(requestsPerSecond) + errorsOf([required(result, "result")]);
      const [median, slow] = [`${p50.toFixed(1)} ms`, `${p99.toFixed(1)} ms`];
      row([connections, rate, median, slow, `${whole(cpu)} µs`, `${whole(rssMiB)} MiB`]);
    }
  }
  console.log(`\nMemory at most: ${whole(peakMiB(first.pid))} MiB`);

  console.log("\nOne user, four connections: requests a second (p50, CPU time of a request):");
  header(["Tasks of the user", "List, page 1", "List, last page", "Create", "Search"]);
  for (const [index, tasks] of taskCounts.entries()) {
    const cells: string[] = [];
    for (const operation of [list, lastPageOf(tasks), create, search]) {
      const as = [required(users[index], "user")];
      const [result] = await loadAll([first], operation, as, 4);
      const { requestsPerSecond, p50, cpu } = required(result, "result");
      const errors = errorsOf([required(result, "result")]);
      cells.push(`${whole(requestsPerSecond)} (${p50.toFixed(1)} ms, ${whole(cpu)} µs)${errors}`);
    }
    row([whole(tasks), ...cells]);
  }

  const second = await startServer(users);
  for (const operation of [me, list, create]) await loadAll([second], operation, alike, 16);
  console.log("\nServers, 64 connections in all: requests a second (CPU time of a request):");
  header(["Processes", "me", "List, page 1", "Create"]);
  for (const servers of [[first], [first, second]]) {
    const cells: string[] = [];
    for (const operation of [me, list, create]) {
      const results = await loadAll(servers, operation, alike, 64);
      const rate = results.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
      const cpu = results.reduce((sum, result) => sum + result.cpu, 0) / results.length;
      cells.push(`${whole(rate)} (${whole(cpu)} µs)${errorsOf(results)}`);
    }
    row([servers.length, ...cells]);
  }
} finally {
  for (const cleanup of cleanups) await cleanup();
}
