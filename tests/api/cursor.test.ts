import { callerFor } from "@taskwire/server/rpc/caller.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type SignedInUser, signedInUser, type Task } from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { fillList, idsOf, ordered, type Sort, sorts } from "../support/client/listing.ts";
import { required } from "../support/setup/required.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

// Only tRPC has cursors; tests/api/list-parameters.test.ts covers that REST ignores them.
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

/** Reads a whole list cursor by cursor; calls `afterPage` with all items so far. */
const readAllPages = async (
  actor: SignedInUser,
  input: { sort?: Sort; limit: number; tag?: string; q?: string; status?: string },
  afterPage: (itemsSoFar: readonly Task[]) => Promise<void> = async () => {},
): Promise<Task[]> => {
  const items: Task[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await actor.page({ ...input, cursor });
    expect(page.items.length).toBeLessThanOrEqual(input.limit);
    items.push(...page.items);
    cursor = page.next_cursor;
    await afterPage(items);
    // The limit stops a list whose cursors never end.
  } while (typeof cursor === "string" && items.length < 500);
  expect(cursor).toBeNull();
  return items;
};

describe.each(sorts)("sorted by %s", (sort) => {
  test("cursors return every task once, in the contract's order, for pages of 7 and 40", async () => {
    const expected = idsOf(ordered(tasks, sort));
    for (const limit of [7, 40])
      expect(idsOf(await readAllPages(ada, { sort, limit }))).toEqual(expected);
  });

  test("with filters, cursors return the same tasks as a single page", async () => {
    const filters = { status: "pending", tag: "Work", q: "e" };
    const { items } = await ada.page({ sort, ...filters });
    expect(items.length).toBeGreaterThan(3);
    expect(await readAllPages(ada, { sort, ...filters, limit: 2 })).toEqual(items);
  });

  test("tasks that exist throughout are returned once and in order, while others are created and deleted", async () => {
    const eve = await signedInUser(server, { transport: rpc });
    const { task } = callerFor(server.deps, eve);
    const fieldsOf = (i: number) => ({
      title: `Task ${"cab"[i % 3]}`,
      priority: (["low", "high"] as const)[i % 2],
      due_date: i % 4 === 0 ? null : `2030-01-0${1 + (i % 3)}T00:00:00Z`,
    });
    const initialIds: number[] = [];
    for (let i = 0; i < 18; i++) initialIds.push((await task.create(fieldsOf(i))).id);
    const toDelete = new Set(initialIds.filter((_, i) => i % 3 === 0));
    let round = 0;
    const returned = await readAllPages(eve, { sort, limit: 4 }, async (itemsSoFar) => {
      const returnedIds = idsOf(itemsSoFar);
      // One task that was returned already, which the cursor may point to, and one that was not.
      const deletedNow = [
        returnedIds.findLast((id) => toDelete.has(id)),
        [...toDelete].find((id) => !returnedIds.includes(id)),
      ];
      for (const task_id of deletedNow) {
        if (task_id === undefined) continue;
        toDelete.delete(task_id);
        await task.delete({ task_id });
      }
      if (round++ < 4) await task.create(fieldsOf(round));
    });
    const ids = idsOf(returned);
    expect(new Set(ids).size).toBe(ids.length);
    const { items } = await eve.page({ sort, limit: 100 });
    const remainingIds = idsOf(items).filter((id) => initialIds.includes(id));
    expect(remainingIds).toHaveLength(18 - 6 + toDelete.size);
    expect(ids.filter((id) => remainingIds.includes(id))).toEqual(remainingIds);
  });
});

test("a different limit on each page: every task once, in order", async () => {
  const returned = [];
  let cursor: string | null | undefined;
  for (const limit of [1, 20, 3, 100]) {
    const page = await ada.page({ sort: "-priority", limit, cursor });
    expect(page).toMatchObject({ total: 40, limit });
    returned.push(...page.items);
    cursor = page.next_cursor;
  }
  expect(cursor).toBeNull();
  expect(idsOf(returned)).toEqual(idsOf(ordered(tasks, "-priority")));
});

test("next_cursor is null if no task follows; a cursor continues the list, and the page number is then ignored", async () => {
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
  // With a cursor, the page number is ignored.
  expect((await ada.page({ cursor, page: 7 })).items).toEqual(tasks.slice(39));
  expect((await ada.page({ cursor: null })).items).toEqual(tasks.slice(0, 20));
});

describe("returns VALIDATION_ERROR for a cursor that is", () => {
  const expectInvalidCursor = async (cursor: string, sort?: Sort) => {
    const response = await ada.call("task.list", { sort, cursor });
    expectError(response, 422, "VALIDATION_ERROR", "cursor");
    expect(response.error?.detail).toBe("cursor is not one of this list");
  };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const cursorOf = async (actor: SignedInUser, sort: Sort) =>
    required((await actor.page({ sort, limit: 5 })).next_cursor, "the next cursor");

  test.each(["", " ", "x", "%%%", "\0", "nonsense", "e30", "x".repeat(5000), "\u{1F389}"])(
    "not encoded data: %j",
    (cursor) => expectInvalidCursor(cursor),
  );

  test.each([null, [], {}, 5, "text", [[]], [1, 2, 3, 4], ["", "", "", ""], { length: 4 }])(
    "encoded data of the wrong shape: %j",
    (value) => expectInvalidCursor(encode(value)),
  );

  test.each(sorts)("of a list in another order than %s", async (sort) => {
    for (const other of sorts.filter((each) => each !== sort))
      await expectInvalidCursor(await cursorOf(ada, other), sort);
  });

  test("of another user's list", async () => {
    const eve = await signedInUser(server, { transport: rpc });
    for (let i = 0; i < 6; i++) await eve.newTask();
    for (const sort of sorts) await expectInvalidCursor(await cursorOf(eve, sort), sort);
  });

  test.each(sorts)("modified, in a list sorted by %s", async (sort) => {
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
    const modified = [
      ...(sort === undefined ? [null, 5] : [...values, ...times]).map((key) => parts.with(2, key)),
      ...ids.map((id) => parts.with(3, id)),
      parts.slice(1),
      [...parts, 1],
    ];
    const invalid = sort?.endsWith("title")
      ? modified.filter((each) => !isPossibleTitle(each.at(2)))
      : modified;
    for (const each of invalid) await expectInvalidCursor(encode(each), sort);
    await expectInvalidCursor(cursor.slice(0, -3), sort);
  });
});

/** Returns whether a value could be a stored title: in a list sorted by title, such a cursor is valid. */
const isPossibleTitle = (value: unknown): boolean =>
  typeof value === "string" && /^[\w:.+-]{1,200}$/.test(value);
