import { setImmediate } from "node:timers/promises";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { runHousekeeping, startHousekeeping } from "@taskwire/server/jobs/housekeeping.ts";
import { removeExpiredSessions } from "@taskwire/server/jobs/expired-sessions.ts";
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
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

/** Adds sessions that expire in `hours`; a negative number means that they have expired. */
const addSessions = (count: number, hours: number) =>
  execute(
    `insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
     select gen_random_uuid(), id, '192.0.2.1', now, now, now + make_interval(hours => ?), now
     from users, generate_series(1, ?), (select ?::timestamptz as now) clock`,
    [hours, count, direct.clock.now()],
  );

const countSessions = async () => {
  const [row] = await execute("select count(*)::int as count from sessions");
  return row?.count;
};

const removeBatch = (batch = 1000) =>
  removeExpiredSessions(orm.em.fork().getKysely(), direct.clock.now(), batch);

beforeEach(async () => {
  await execute("delete from users");
  await execute("insert into users (email, password_hash) values ('a@example.com', 'x')");
});

test("removes at most one batch of expired sessions per call, oldest first, and keeps the others", async () => {
  await addSessions(25, -1);
  await addSessions(5, -2);
  await addSessions(3, 1);
  expect(await removeBatch(10)).toBe(10);
  const [oldest] = await execute(
    "select count(*)::int as count from sessions where expires_at < ?::timestamptz - interval '90 minutes'",
    [direct.clock.now()],
  );
  expect(oldest).toEqual({ count: 0 });
  expect([await removeBatch(10), await removeBatch(10), await removeBatch(10)]).toEqual([
    10, 10, 0,
  ]);
  expect(await countSessions()).toBe(3);
});

test("one housekeeping run removes all expired sessions, in several batches", async () => {
  await addSessions(2500, -1);
  await addSessions(1, 1);
  await runHousekeeping(direct.deps);
  expect(await countSessions()).toBe(1);
});

test("one housekeeping run removes at most 20,000 expired sessions, and the next run the others", async () => {
  await addSessions(20_500, -1);
  await addSessions(1, 1);
  await runHousekeeping(direct.deps);
  expect(await countSessions()).toBe(501);
  await runHousekeeping(direct.deps);
  expect(await countSessions()).toBe(1);
});

test("housekeeping runs at the start, every minute after it, and never after it was stopped", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  // The line is the end of a run: a session that was added before it could still belong to that run.
  const earlier = direct.log.length;
  const removals = () => direct.log.slice(earlier).map(({ msg, removed }) => ({ msg, removed }));
  // Not `expect.poll`: each of its polls moves the fake clock.
  const expectRuns = async (count: number) => {
    for (let turns = 0; removals().length < count; turns++) {
      if (turns === 1_000_000) throw new Error(`Housekeeping has not run ${count} times`);
      await setImmediate();
    }
    expect(removals()).toEqual(
      Array.from({ length: count }, () => ({ msg: "Removed expired sessions", removed: 1 })),
    );
  };
  try {
    await addSessions(1, -1);
    const { stop } = startHousekeeping(direct.deps);
    await expectRuns(1);
    for (let round = 2; round <= 3; round++) {
      await addSessions(1, -1);
      vi.advanceTimersByTime(59_999);
      expect(await countSessions()).toBe(1);
      vi.advanceTimersByTime(1);
      await expectRuns(round);
    }
    stop();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test.runIf(inject("database") === "postgres")(
  "skips sessions that another replica has locked, without waiting",
  async () => {
    await addSessions(20, -1);
    const em = orm.em.fork();
    await em.begin();
    await em.execute("select from sessions order by expires_at limit 5 for update");
    expect(await removeBatch()).toBe(15);
    await em.rollback();
    expect(await removeBatch()).toBe(5);
  },
);
