// The figures of docs/operations/sizing.md: node --expose-gc tests/load/sizing.ts [SECONDS]
// Starts its own PostgreSQL and servers. Needs Linux, and a machine on which nothing else runs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCallLimits } from "@taskwire/server/security/call-limits.ts";
import { createRateLimits } from "@taskwire/server/security/rate-limits.ts";
import { createRevocationList } from "@taskwire/server/security/revocation-list.ts";
import { Client } from "pg";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startPostgres } from "../support/external/postgres.ts";
import { type Running, served, start } from "../support/process/executable.ts";
import { cpuSeconds, peakMiB, residentMiB } from "../support/process/resource-usage.ts";

const seconds = Number(process.argv[2] ?? 20);
const [users, tasksOfUser, tagsOfTask, tagsOfUser] = [1000, 100, 2, 10];
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const env = {
  PORT: "0",
  JWT_SECRET_KEY: "5ec2e7".repeat(11),
  RATE_LIMIT_CALLS_PER_USER: "0",
  RATE_LIMIT_CALLS_PER_ADDRESS: "0",
  RATE_LIMIT_REGISTER: "100000",
  RATE_LIMIT_LOGIN: "100000",
};

/** Sends calls from ten clients until the time is over, and returns how many got a response. */
const callFor = async (ms: number, call: () => Promise<Response>): Promise<number> => {
  const end = performance.now() + ms;
  let calls = 0;
  const client = async (): Promise<void> => {
    for (; performance.now() < end; calls++) await (await call()).arrayBuffer();
  };
  await Promise.all(Array.from({ length: 10 }, client));
  return calls;
};

/** Prints the memory of a server after its start and under load, and its throughput per second of CPU time. */
const measureServer = async (name: string, server: Running & { url: string }): Promise<void> => {
  const print = (when: string) =>
    console.log(
      `${name}, ${when}: ${residentMiB(server.pid).toFixed(0)} MiB, at most ${peakMiB(server.pid).toFixed(0)} MiB`,
    );
  print("after the start");
  const user = await signedInUser(server);
  for (let i = 0; i < 40; i++) await user.newTask();
  const headers = { authorization: `Bearer ${user.token}`, "content-type": "application/json" };
  const api = `${server.url}/api/v1`;
  const calls = {
    "auth.me": () => fetch(`${api}/auth/me`, { headers }),
    "task.list with 20 tasks": () => fetch(`${api}/tasks`, { headers }),
    "task.create": () =>
      fetch(`${api}/tasks`, { method: "POST", headers, body: '{"title":"A task"}' }),
    "auth.login": () =>
      fetch(`${api}/auth/login`, {
        method: "POST",
        body: new URLSearchParams({ username: user.email, password: user.password }),
      }),
  };
  for (const [procedure, call] of Object.entries(calls)) {
    const before = cpuSeconds(server.pid);
    const count = await callFor(seconds * 1000, call);
    const cpu = cpuSeconds(server.pid) - before;
    console.log(
      `${name}: ${(count / seconds).toFixed(0)} calls of ${procedure} a second, ${(count / cpu).toFixed(0)} in a second of CPU time`,
    );
    print(`after ${procedure}`);
  }
  await server.kill("SIGTERM");
};

/** Prints the bytes of each table and its indexes, for each row. */
const measureDisk = async (client: Client): Promise<void> => {
  await client.query(
    `insert into users (email, password_hash, name) select 'user' || n || '@example.com', repeat('x', 97), 'User ' || n
       from generate_series(1, ${users}) n`,
  );
  await client.query(
    `insert into tags (name, color, user_id) select 'Tag ' || n, '#3366FF', id from users, generate_series(1, ${tagsOfUser}) n
       where email like 'user%'`,
  );
  await client.query(
    `insert into tasks (title, description, user_id, due_date)
       select 'Task number ' || n, case n % 2 when 0 then repeat('word ', 20) end, id, now() + n * interval '1 hour'
       from generate_series(1, ${tasksOfUser}) n, users where email like 'user%'`,
  );
  await client.query(
    `insert into task_tag_link (task_id, tag_id) select tasks.id, tags.id from tasks join lateral (
       select id from tags where user_id = tasks.user_id order by (id + tasks.id) % ${tagsOfUser} limit ${tagsOfTask}) tags on true
       join users on users.id = tasks.user_id where email like 'user%'`,
  );
  await client.query(
    `insert into sessions (id, user_id, device, address, created_at, rotated_at, expires_at, ends_at)
       select gen_random_uuid(), id, repeat('Mozilla/5.0 ', 9), '192.0.2.1', now(), now(), now() + interval '7 days', now() + interval '30 days'
       from users where email like 'user%'`,
  );
  await client.query("vacuum full analyze");
  const { rows } = await client.query<Record<"name" | "rows" | "bytes" | "heap", string>>(
    `select relname as name, reltuples as rows, pg_total_relation_size(oid) as bytes, pg_relation_size(oid) as heap
       from pg_class where relname in ('users', 'tags', 'tasks', 'task_tag_link', 'sessions') order by relname`,
  );
  for (const { name, rows: count, bytes, heap } of rows) {
    const [total, table] = [Number(bytes) / Number(count), Number(heap) / Number(count)];
    console.log(
      `${name}: ${count} rows, ${total.toFixed(0)} bytes a row, of which ${(total - table).toFixed(0)} in indexes`,
    );
  }
  const perTask: Record<string, number> = {
    tasks: 1,
    task_tag_link: tagsOfTask,
    tags: tagsOfUser / tasksOfUser,
    users: 1 / tasksOfUser,
    sessions: 1 / tasksOfUser,
  };
  const total = rows.reduce(
    (sum, { name, rows: count, bytes }) =>
      sum + (Number(bytes) / Number(count)) * (perTask[name] ?? 0),
    0,
  );
  console.log(`All for 1,000,000 tasks: ${megabytes(total * 1e6)}`);
};

const heapUsed = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

/** Prints the memory of 20,000 keys of a limit. */
const measureKeys = async (name: string, count: (n: number) => Promise<void> | void) => {
  const before = heapUsed();
  for (let n = 0; n < 20_000; n++) await count(n);
  console.log(`20,000 keys of ${name}: ${megabytes(heapUsed() - before)}`);
};

const limits = createRateLimits({ register: 5, login: 5, refresh: 10 });
const addressOf = (n: number) => `10.0.${Math.floor(n / 250)}.${n % 250}`;
await measureKeys("sign-ins by address", (n) => limits.consume("login", addressOf(n)));
await measureKeys("refreshes by session", async () => {
  await limits.takeRefresh(crypto.randomUUID());
});
const callLimits = createCallLimits({ perUser: 60, perAddress: 60 }, () => new Date());
await measureKeys("calls by user", () => callLimits.consumeUser(crypto.randomUUID()));
const revocations = createRevocationList(900, () => new Date());
await measureKeys("revoked sessions", () => revocations.add([crypto.randomUUID()]));

const postgres = await startPostgres(100, {
  // As in production: the tests write without them.
  settings: ["fsync=on", "full_page_writes=on"],
});
const folder = await mkdtemp(join(tmpdir(), "taskwire-sizing-"));
const onPostgres = { ...env, DATABASE_URL: postgres.url };
await start("migrate", { folder, env: onPostgres, args: ["up"] }).exited;
const run = (settings: Record<string, string>) =>
  served(start("main", { folder, env: settings, lifetime: 0 }));
await measureServer("PostgreSQL", await run(onPostgres));
await measureServer("Embedded database", await run(env));
const client = new Client(postgres.url);
await client.connect();
await measureDisk(client);
await client.end();
await postgres.stop();
await rm(folder, { recursive: true });
