import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { send } from "../client/http.ts";
import { signedInUser, type SignedInUser } from "../client/signed-in-user.ts";
import { startPostgres } from "../external/postgres.ts";
import { type ProxySetup, startReverseProxy } from "../external/reverse-proxy.ts";
import { type Running, served, start } from "../process/executable.ts";
import { required } from "../setup/required.ts";
import { freePort } from "../process/free-port.ts";

const replicas = 3;
const users = 10;

interface Options {
  proxy: ProxySetup;
  /** Requests a second, in equal distances, whether earlier ones have a response or not. */
  rate: number;
  /** Settings in addition to those of production. */
  env?: Record<string, string>;
}

interface Result {
  sent: number;
  /** One sentence for each request without the expected response. */
  failures: string[];
  /** Exit codes of the replaced processes. */
  exits: (number | null)[];
  /** Tasks whose creation was acknowledged, and that are not in the database. */
  lost: number;
  /** What the servers and the proxy logged as a warning or an error: the reasons of failures. */
  complaints: string[];
}

/** A line in which haproxy, nginx or Caddy reports a problem. */
const proxyComplaint = /\[(?:WARNING|ALERT|warn|error|crit|alert|emerg)\]|"level":"(?:warn|error)"/;

type Cleanup = () => unknown;

const runRestart = async (
  { proxy: setup, rate, env }: Options,
  onEnd: (cleanup: Cleanup) => void,
): Promise<Result> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-rolling-"));
  onEnd(() => rm(folder, { recursive: true }));
  const postgres = await startPostgres(100);
  onEnd(postgres.stop);
  const orm = await openPostgres(postgres.url, { poolMin: 0, poolMax: 2, statementTimeout: false });
  onEnd(orm.close);
  await migrateUp(orm);
  const secret = randomBytes(32).toString("hex");
  const processes: Running[] = [];
  const launch = async (port: number) => {
    const settings = {
      NODE_ENV: "production",
      JWT_SECRET_KEY: secret,
      DATABASE_URL: postgres.url,
      RATE_LIMIT_REGISTER: "1000",
      RATE_LIMIT_LOGIN: "1000",
      LOG_LEVEL: "info",
      ...env,
      PORT: String(port),
    };
    const server = start("main", { folder, env: settings });
    processes.push(server);
    onEnd(() => server.kill("SIGKILL"));
    return served(server);
  };
  const ports = await Promise.all(Array.from({ length: replicas }, freePort));
  let servers = await Promise.all(ports.map(launch));
  const proxy = await startReverseProxy(setup, folder, ports);
  onEnd(proxy.stop);

  const created: number[] = [];
  const failures: string[] = [];
  const request = async ({ token }: SignedInUser, turn: number): Promise<void> => {
    const writes = turn % 2 === 0;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const at = new Date().toISOString();
    try {
      const response = await send(
        proxy.url,
        writes
          ? { method: "POST", path: "/api/v1/tasks", headers, body: '{"title":"A task"}' }
          : { method: "GET", path: "/api/v1/tasks?limit=5", headers },
        proxy.agent,
      );
      if (response.status !== (writes ? 201 : 200))
        failures.push(`${at} ${response.status} ${response.text.slice(0, 100)}`);
      // Safe: the contract gives a created task an id.
      else if (writes) created.push((JSON.parse(response.text) as { id: number }).id);
    } catch (error) {
      failures.push(`${at} ${String(error)}`);
    }
  };

  const accounts = await Promise.all(
    Array.from({ length: users }, () => signedInUser(required(servers[0], "a server"))),
  );
  // As in a deployment, the first processes have served requests before: a new one compiles its code during the first ones.
  for (let turn = 0; turn < 300; turn++)
    await request(required(accounts[turn % users], "a user"), turn);
  failures.length = 0;
  const restarted = new AbortController();
  const pending: Promise<void>[] = [];
  const traffic = async (): Promise<void> => {
    const begin = performance.now();
    for (let turn = 0; !restarted.signal.aborted; turn++) {
      await sleep(Math.max(0, begin + (turn * 1000) / rate - performance.now()));
      const user = accounts[turn % users];
      if (user !== undefined) pending.push(request(user, turn));
    }
  };
  const sending = traffic();
  const exits: (number | null)[] = [];
  for (const [index, port] of ports.entries()) {
    exits.push((await servers[index]?.kill("SIGTERM"))?.code ?? null);
    const next = await launch(port);
    servers = servers.with(index, next);
    const isReady = async () => (await fetch(`${next.url}/health/ready`)).ok;
    while (!(await isReady())) await sleep(100);
  }
  restarted.abort();
  await sending;
  await Promise.all(pending);
  const rows = await orm.em.execute<{ id: number }[]>("select id from tasks");
  const stored = new Set(rows.map(({ id }) => id));
  const lost = created.filter((id) => !stored.has(id)).length;
  const complaints = processes.flatMap(({ stdout }) =>
    stdout.split("\n").filter((line) => /"level":"(?:warn|error|fatal)"/.test(line)),
  );
  const ofProxy = proxy
    .output()
    .split("\n")
    .filter((line) => proxyComplaint.test(line));
  complaints.push(...ofProxy);
  return { sent: pending.length, failures, exits, lost, complaints };
};

/**
 * Restarts three servers in production one after another, behind a proxy and under traffic that reads and writes. As a
 * deployment does, it replaces the next process when the one before is ready, whether the proxy knows it or not.
 */
export const rollingRestart = async (options: Options): Promise<Result> => {
  const cleanups: Cleanup[] = [];
  try {
    return await runRestart(options, (cleanup) => cleanups.unshift(cleanup));
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
};
