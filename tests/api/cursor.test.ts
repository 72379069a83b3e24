import { callerFor } from "@taskwire/server/rpc/caller.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type SignedInUser, signedInUser, type Task } from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { fillList, idsOf, ordered, type Sort, sorts } from "../support/client/listing.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

// Only tRPC has cursors; that REST ignores them, tests/api/list-parameters.test.ts shows.
const [, rpc] = transports;
if (rpc === undefined) throw new Error("No RPC");

let server: TestServer;
let ada: SignedInUser;
let tasks: Task[];
beforeAll(async () => {
  server = await startServer();
  ada = await signedInUser(server, { transport: rpc });
  tasks = await fillList(ada, server.deps.orm);
});
afterAll(() => server.close());

/** Every page of a list, cursor by cursor. */
const walk = async (
  actor: SignedInUser,
  input: { sort?: Sort; limit: number; tag?: string; q?: string; status?: string },
  between: (seen: readonly Task[]) => Promise<void> = async () => {},
): Promise<Task[]> => {
  const seen: Task[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await actor.page({ ...input, cursor });
    expect(page.items.length).toBeLessThanOrEqual(input.limit);
    seen.push(...page.items);
    cursor = page.next_cursor;
    await between(seen);
    // A walk that does not come to its end would never fail by itself.
  } while (typeof cursor === "string" && seen.length < 500);
  expect(cursor).toBeNull();
  return seen;
};

describe.each(sorts)("sorted by %s", (sort) => {
  test("cursors visit what pages visit, in the same order, each task once", async () => {
    const expected = idsOf(ordered(tasks, sort));
    for (const limit of [7, 40]) expect(idsOf(await walk(ada, { sort, limit }))).toEqual(expected);
  });

  test("under a filter too", async () => {
    const filters = { status: "pending", tag: "Work", q: "e" };
    const { items } = await ada.page({ sort, ...filters });
    expect(items.length).toBeGreaterThan(3);
    expect(await walk(ada, { sort, ...filters, limit: 2 })).toEqual(items);
  });

  test("what stays is seen once, whatever comes and goes meanwhile", async () => {
    const eve = await signedInUser(server, { transport: rpc });
    const { task } = callerFor(server.deps, eve);
    const fields = (i: number) => ({
      title: `Task ${"cab"[i % 3]}`,
      priority: (["low", "high"] as const)[i % 2],
      due_date: i % 4 === 0 ? null : `2030-01-0${1 + (i % 3)}T00:00:00Z`,
    });
    const first: number[] = [];
    for (let i = 0; i < 18; i++) first.push((await task.create(fields(i))).id);
    const doomed = new Set(first.filter((_, i) => i % 3 === 0));
    let round = 0;
    const seen = await walk(eve, { sort, limit: 4 }, async (soFar) => {
      const answered = idsOf(soFar);
      // One that was answered already, which a cursor may name, and one that was not.
      const gone = [
        answered.findLast((id) => doomed.has(id)),
        [...doomed].find((id) => !answered.includes(id)),
      ];
      for (const task_id of gone) {
        if (task_id === undefined) continue;
        doomed.delete(task_id);
        await task.delete({ task_id });
      }
      if (round++ < 4) await task.create(fields(round));
    });
    const ids = idsOf(seen);
    expect(new Set(ids).size).toBe(ids.length);
    const { items } = await eve.page({ sort, limit: 100 });
    const staying = idsOf(items).filter((id) => first.includes(id));
    expect(staying).toHaveLength(18 - 6 + doomed.size);
    expect(ids.filter((id) => staying.includes(id))).toEqual(staying);
  });
});

test("the limit may change from page to page", async () => {
  const seen = [];
  let cursor: string | null | undefined;
  for (const limit of [1, 20, 3, 100]) {
    const page = await ada.page({ sort: "-priority", limit, cursor });
    expect(page).toMatchObject({ total: 40, limit });
    seen.push(...page.items);
    cursor = page.next_cursor;
  }
  expect(cursor).toBeNull();
  expect(idsOf(seen)).toEqual(idsOf(ordered(tasks, "-priority")));
});

test("there is a next cursor exactly where there is more", async () => {
  for (const [limit, page] of [
    [40, 1],
    [100, 1],
    [20, 2],
    [20, 3],
  ]) {
    expect(await ada.page({ limit, page })).toMatchObject({ next_cursor: null });
  }
  const { next_cursor: cursor } = await ada.page({ limit: 39 });
  expect((await ada.page({ cursor })).items).toEqual(tasks.slice(39));
  // The cursor names the place; the page's number has no say in it.
  expect((await ada.page({ cursor, page: 7 })).items).toEqual(tasks.slice(39));
  expect((await ada.page({ cursor: null })).items).toEqual(tasks.slice(0, 20));
});

describe("refuses as no cursor of this list", () => {
  const expectRefused = async (cursor: string, sort?: Sort) => {
    const answer = await ada.call("task.list", { sort, cursor });
    expectError(answer, 422, "VALIDATION_ERROR", "cursor");
    expect(answer.error?.detail).toBe("cursor is not one of this list");
  };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const cursorOf = async (actor: SignedInUser, sort: Sort) =>
    (await actor.page({ sort, limit: 5 })).next_cursor ?? "";

  test.each(["", " ", "x", "%%%", "\0", "nonsense", "e30", "x".repeat(5000), "\u{1F389}"])(
    "%j",
    (cursor) => expectRefused(cursor),
  );

  test.each([null, [], {}, 5, "text", [[]], [1, 2, 3, 4], ["", "", "", ""], { length: 4 }])(
    "the encoded %j",
    (value) => expectRefused(encode(value)),
  );

  test.each(sorts)("one of another order than %s", async (sort) => {
    for (const other of sorts.filter((each) => each !== sort))
      await expectRefused(await cursorOf(ada, other), sort);
  });

  test("another user's", async () => {
    const eve = await signedInUser(server, { transport: rpc });
    for (let i = 0; i < 6; i++) await eve.newTask();
    for (const sort of sorts) await expectRefused(await cursorOf(eve, sort), sort);
  });

  test.each(sorts)("one that was tampered with, sorted by %s", async (sort) => {
    const cursor = await cursorOf(ada, sort);
    const parts = z
      .array(z.unknown())
      .parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    expect(encode(parts)).toBe(cursor);
    const values = [
      null,
      5,
      "",
      "constructor",
      "__proto__",
      "a\0",
      "\uD800",
      "now",
      "x".repeat(201),
    ];
    const times = [
      "-infinity",
      "2020-01-01T00:00:00+23:00",
      "0000-01-01T00:00:00.000Z",
      "9999-12-31T23:59:59-12:00",
    ];
    const ids = [0, -1, 1.5, 2_147_483_648, 1e30, "1", null];
    const forged = [
      ...(sort === undefined ? [null, 5] : [...values, ...times]).map((key) => parts.with(2, key)),
      ...ids.map((id) => parts.with(3, id)),
      parts.slice(1),
      [...parts, 1],
    ];
    const wrong = sort?.endsWith("title") ? forged.filter((each) => !isTitle(each.at(2))) : forged;
    for (const each of wrong) await expectRefused(encode(each), sort);
    await expectRefused(cursor.slice(0, -3), sort);
  });
});

/** Any text that a title can be is a place in the order of titles. */
const isTitle = (value: unknown): boolean =>
  typeof value === "string" && /^[\w:.+-]{1,200}$/.test(value);
