import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import type { PostgresServer } from "../support/external/postgres.ts";
import { startMigratedPostgres } from "../support/setup/database.ts";
import { type Proxy, startProxy } from "../support/external/proxy.ts";
import { openSession } from "../support/external/sql-session.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const poolMax = 3;

/** These faults hit a whole PostgreSQL. */
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startMigratedPostgres();
});
afterAll(() => postgres.stop());

let proxy: Proxy;
let server: TestServer;
const startBehindProxy = async (): Promise<void> => {
  proxy = await startProxy(postgres.port);
  const url = Object.assign(new URL(postgres.url), { port: String(proxy.port) }).href;
  server = await startServer({ orm: await openPostgres(url, { poolMin: 0, poolMax }) });
};
afterEach(async () => {
  await server.close();
  await proxy.close();
});

/** Returns the statuses of the three paths, with a new check of the database. */
const healthStatuses = async (): Promise<number[]> => {
  server.clock.advance(1);
  const paths = ["/health", "/health/live", "/health/ready"];
  return Promise.all(paths.map(async (path) => (await fetch(server.url + path)).status));
};

test("while calls that wait for a locked row use all connections of the pool, the server stays ready", async () => {
  await startBehindProxy();
  const user = await signedInUser(server);
  const { id } = await user.newTask();
  const session = await openSession(postgres.url);
  await session.query(`begin; select from tasks where id = ${id} for update`);
  const change = () => user.call("task.patch", { task_id: id, title: "Changed" });
  const unlocked = new AbortController();
  // Repeated, because a call that waits longer than PostgreSQL's lock time-out gets 503.
  const clients = Array.from({ length: 2 * poolMax }, async () => {
    while (!unlocked.signal.aborted)
      expect(["SERVICE_UNAVAILABLE", undefined]).toContain((await change()).error?.code);
  });
  const countWaiting = async (): Promise<number> => {
    const { rows } = await session.query("select from pg_locks where not granted");
    return rows.length;
  };
  try {
    for (let round = 1; round <= 2; round++) {
      await expect.poll(countWaiting).toBe(poolMax);
      expect(await healthStatuses()).toEqual([200, 200, 200]);
    }
  } finally {
    unlocked.abort();
    await session.query("rollback");
    await session.end();
    await Promise.all(clients);
  }
  expect(await change()).toMatchObject({ status: 200 });
});

test.each<[name: string, stop: () => Promise<void>, start: () => Promise<void>]>([
  ["PostgreSQL is stopped", () => postgres.halt("fast"), () => postgres.start()],
  ["PostgreSQL has crashed", () => postgres.halt("immediate"), () => postgres.start()],
  ["connections are rejected", () => proxy.set("reject"), () => proxy.set("pass")],
  ["packets get lost", () => proxy.set("drop"), () => proxy.set("pass")],
  [
    "the existing connections are dead",
    async () => {
      await proxy.set("drop");
      proxy.abandon();
    },
    () => proxy.set("pass"),
  ],
])(
  "while %s, the server is alive and not ready, and ready again afterwards",
  async (_, stop, start) => {
    await startBehindProxy();
    expect(await healthStatuses()).toEqual([200, 200, 200]);
    await stop();
    const stoppedAt = performance.now();
    expect(await healthStatuses()).toEqual([200, 200, 503]);
    // Beside the second for which the last result was valid.
    expectPromisedTime("Readiness without the database", performance.now() - stoppedAt, 1000);
    // The whole body: neither an address nor a reason.
    expect(await (await fetch(`${server.url}/health/ready`)).json()).toEqual({
      status: "unavailable",
      checks: { database: "unavailable", migrations: "unknown", draining: false },
    });
    expect(await healthStatuses()).toEqual([200, 200, 503]);
    await start();
    await expect.poll(healthStatuses).toEqual([200, 200, 200]);
  },
);
