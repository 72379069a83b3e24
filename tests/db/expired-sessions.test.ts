import type { Orm } from "@taskwire/server/db/orm.ts";
import { runHousekeeping } from "@taskwire/server/jobs/housekeeping.ts";
import { removeExpiredSessions } from "@taskwire/server/jobs/expired-sessions.ts";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { startDirectCalls, type DirectCalls } from "../support/setup/direct-calls.ts";

let direct: DirectCalls;
let orm: Orm;
beforeAll(async () => {
  direct = await startDirectCalls();
  ({ orm } = direct.deps);
});
afterAll(() => direct.close());

const execute = (sql: string, values: unknown[] = []) =>
  orm.em.fork().execute<{ count: number }[]>(sql, values);

/** Sessions that expired so many hours ago, or will in so many. */
const add = (count: number, hours: number) =>
  execute(
    `insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
     select gen_random_uuid(), id, '192.0.2.1', now, now, now + make_interval(hours => ?), now
     from users, generate_series(1, ?), (select ?::timestamptz as now) clock`,
    [hours, count, direct.clock.now()],
  );

const count = async () => {
  const [row] = await execute("select count(*)::int as count from sessions");
  return row?.count;
};

const remove = (batch = 1000) =>
  removeExpiredSessions(orm.em.fork().getKysely(), direct.clock.now(), batch);

beforeEach(async () => {
  await execute("delete from users");
  await execute("insert into users (email, password_hash) values ('a@example.com', 'x')");
});

test("expired sessions go, the oldest first, a bounded number at a time", async () => {
  await add(25, -1);
  await add(5, -2);
  await add(3, 1);
  expect(await remove(10)).toBe(10);
  const [old] = await execute(
    "select count(*)::int as count from sessions where expires_at < ?::timestamptz - interval '90 minutes'",
    [direct.clock.now()],
  );
  expect(old).toEqual({ count: 0 });
  expect([await remove(10), await remove(10), await remove(10)]).toEqual([10, 10, 0]);
  expect(await count()).toBe(3);
});

test("a round of housekeeping removes them all", async () => {
  await add(2500, -1);
  await add(1, 1);
  await runHousekeeping(direct.deps);
  expect(await count()).toBe(1);
});

test.runIf(inject("database") === "postgres")("replicas do not wait for each other", async () => {
  await add(20, -1);
  const em = orm.em.fork();
  await em.begin();
  await em.execute("select from sessions order by expires_at limit 5 for update");
  expect(await remove()).toBe(15);
  await em.rollback();
  expect(await remove()).toBe(5);
});
