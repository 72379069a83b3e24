import { parseConfig } from "@taskwire/server/config.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { countOutcomes } from "../support/client/count-outcomes.ts";
import { signedInUser, type SignedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { openSession } from "../support/external/sql-session.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { required } from "../support/setup/required.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

// PostgreSQL sends no event when a session begins to wait. Each poll is a round trip.
const maxPolls = 10_000;

/** Calls of one user that run at once, by the connections in the pool. */
const pools = [
  { poolMax: parseConfig({}).database.poolMax, maxAtOnce: 4 },
  { poolMax: 2, maxAtOnce: 1 },
];

const cases = transports.flatMap((transport) =>
  pools.map(({ poolMax, maxAtOnce }) => ({
    transport,
    name: transport.name,
    poolMax,
    maxAtOnce,
  })),
);

describe.each(cases)("over $name, with $poolMax connections,", (each) => {
  const { transport, poolMax, maxAtOnce } = each;
  let server: TestServer;
  let url: string;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    ({ url, drop } = await clonePostgres());
    const env = { DB_POOL_MIN: "0", DB_POOL_MAX: String(poolMax) };
    server = await startServer({ env, orm: await openPostgres(url, { poolMin: 0, poolMax }) });
  });
  afterAll(async () => {
    await server.close();
    await drop();
  });

  let locker: pg.Client;
  // A session of its own: inside a transaction, pg_stat_activity keeps showing the sessions of the first query.
  let watcher: pg.Client;
  let ada: SignedInUser;
  beforeEach(async () => {
    locker = await openSession(url);
    watcher = await openSession(url);
    ada = await signedInUser(server, { transport });
  });
  afterEach(async () => {
    await locker.end();
    await watcher.end();
  });

  const times = <Result>(count: number, call: () => Promise<Result>) =>
    Promise.all(Array.from({ length: count }, call));

  /** The statements that wait for a lock. */
  const waiting = async (): Promise<number> => {
    const { rows } = await watcher.query<{ count: number }>(
      "select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return required(rows[0], "the count").count;
  };

  /** Locks one task of the user and starts 20 calls that need it. Returns when `maxAtOnce` of them wait for the lock. */
  const blockCalls = async () => {
    const { id } = await ada.newTask();
    await locker.query("begin");
    await locker.query("select from tasks where id = $1 for update", [id]);
    const calls = times(20, () => ada.call("task.patch", { task_id: id, title: "Changed" }));
    for (let polls = 0; (await waiting()) < maxAtOnce; polls++)
      if (polls === maxPolls) throw new Error("The calls do not wait for the lock");
    return { calls };
  };

  test("while 20 calls of a user wait for a locked row, one connection stays free, and 20 lists of another user succeed", async () => {
    const grace = await signedInUser(server, { transport });
    const { calls } = await blockCalls();
    const lists = await times(20, () => grace.call("task.list"));
    expect(countOutcomes(lists)).toEqual({ 200: 20 });
    expect(await waiting()).toBeLessThanOrEqual(maxAtOnce);
    await locker.query("rollback");
    await calls;
    expect(await ada.call("task.list")).toMatchObject({ status: 200 });
  });

  test("calls that wait for their turn until their deadline get 503, and leave the queue", async () => {
    const { calls } = await blockCalls();
    expect(countOutcomes(await calls)).toEqual({ SERVICE_UNAVAILABLE: 20 });
    await locker.query("rollback");
    const lists = await times(20, () => ada.call("task.list"));
    expect(countOutcomes(lists)).toEqual({ 200: 20 });
  });
});
