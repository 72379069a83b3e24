import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser, type Task } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { fillList, fold, idsOf, ordered, sorts } from "../support/client/listing.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

interface Filters {
  status?: string | undefined;
  priority?: string | undefined;
  tag?: string | undefined;
  q?: string | undefined;
}

/** The contract's filters, told once more in plain JavaScript. */
const fits = ({ status = "all", priority, tag, q = "" }: Filters, task: Task): boolean =>
  (status === "all" || task.completed === (status === "completed")) &&
  (priority === undefined || task.priority === priority) &&
  (tag === undefined || task.tags.some(({ id, name }) => name === tag || String(id) === tag)) &&
  [task.title, task.description ?? ""].some((text) => fold(text).includes(fold(q)));

describe.each(transports)("over $name", (transport) => {
  let ada: SignedInUser;
  let tasks: Task[];
  let workId: string;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
    tasks = await fillList(ada, server.deps.orm);
    workId = String(tasks.flatMap(({ tags }) => tags).find(({ name }) => name === "Work")?.id);
  });

  const expectFound = async (filters: Filters) => {
    const given = Object.entries(filters).filter(([, value]) => value !== undefined);
    const { items, total } = await ada.page({ ...Object.fromEntries(given), limit: 100 });
    const expected = tasks.filter((task) => fits(filters, task));
    expect(idsOf(items)).toEqual(idsOf(expected));
    expect(total).toBe(expected.length);
    return total;
  };

  describe("a page", () => {
    test("is the first twenty, oldest first, unless asked for otherwise", async () => {
      const standard = { total: 40, page: 1, limit: 20, pages: 2 };
      expect(await ada.page()).toMatchObject({ ...standard, items: tasks.slice(0, 20) });
      expect(await ada.page({})).toMatchObject({ ...standard, items: tasks.slice(0, 20) });
      const named = { page: 1, limit: 20, q: "", status: "all" };
      expect(await ada.page(named)).toMatchObject({ ...standard, items: tasks.slice(0, 20) });
      expect(idsOf(tasks)).toEqual(idsOf(ordered(tasks, undefined)));
    });

    test("answers these fields alone, and is not to be kept", async () => {
      const { data, headers } = await ada.call("task.list");
      const cursor = transport.name === "RPC" ? ["next_cursor"] : [];
      expect(Object.keys(data as object)).toEqual([
        "items",
        "total",
        "page",
        "limit",
        "pages",
        ...cursor,
      ]);
      expect(headers.get("cache-control")).toBe("no-store");
    });

    test.each([
      [1, 40],
      [7, 6],
      [39, 2],
      [40, 1],
      [100, 1],
    ])("of %s counts its likes", async (limit, pages) => {
      const seen = [];
      for (let page = 1; page <= pages; page++) {
        const answer = await ada.page({ page, limit });
        expect(answer).toMatchObject({ total: 40, page, limit, pages });
        seen.push(...answer.items);
      }
      expect(seen).toEqual(tasks);
    });

    const tooMany: unknown[] =
      transport.name === "REST" ? ["101", "1000", `1${"0".repeat(40)}`] : [101, 1e9, 1e300];
    test.each(tooMany)("holds a hundred tasks, also when asked for %s", async (limit) => {
      expect(await ada.page({ limit })).toMatchObject({ limit: 100, pages: 1, items: tasks });
    });

    const pastEnd: unknown[] =
      transport.name === "REST"
        ? ["3", "2147483648", "9223372036854775808", `1${"0".repeat(40)}`]
        : [3, 2 ** 31, 2 ** 53, 1e300];
    test.each(pastEnd)("past the end has no tasks: %s", async (page) => {
      const answer = await ada.page({ page });
      expect(answer).toMatchObject({ items: [], total: 40, limit: 20, pages: 2 });
      expect(answer.page).toBe(Number(page));
    });

    test("of nothing", async () => {
      const eve = await signedInUser(server, { transport });
      const nothing = { items: [], total: 0, page: 1, limit: 20, pages: 0 };
      expect(await eve.page()).toMatchObject(nothing);
      expect(await eve.page({ page: 5, sort: "title" })).toMatchObject({ ...nothing, page: 5 });
    });
  });

  describe("a search", () => {
    test.each([
      "apple",
      "APPLE",
      "ÄPFEL",
      "äpfel",
      "müsli",
      "ЯБЛОКО",
      "привет",
      "МИР",
      "ωMEGA",
      "οδος",
      "ΟΔΟΣ",
      "οδοσ",
      "%",
      "_",
      "\\",
      "100%",
      "a_b",
      String.raw`C:\temp_`,
      "\u{1F389}",
      " ",
      "apple pie",
    ])("finds %j in title or description, and nothing else", async (q) => {
      expect(await expectFound({ q })).toBeGreaterThan(0);
    });

    test.each([
      "nowhere",
      "%%",
      "a%b",
      "__",
      "\\\\",
      "'; drop table tasks; --",
      "apple%pie",
      "x".repeat(5000),
    ])("finds nothing for %.20s", async (q) => {
      expect(await expectFound({ q })).toBe(0);
    });
  });

  test.each([undefined, "all", "pending", "completed"])(
    "status %s goes with every other filter",
    async (status) => {
      let found = 0;
      for (const priority of [undefined, "medium"])
        for (const tag of [undefined, workId])
          for (const q of [undefined, "APPLE", "%"]) {
            found += await expectFound({ status, priority, tag, q });
          }
      expect(found).toBeGreaterThan(20);
    },
  );

  describe("a tag", () => {
    test("is meant by its name, by its id, or by a name of digits", async () => {
      const byName = await expectFound({ tag: "Work" });
      const byDigits = await expectFound({ tag: workId });
      expect([byName, byDigits]).toEqual([10, 13]);
    });

    test.each([
      "work",
      " Work",
      "",
      "nothing",
      "0",
      "2147483648",
      "9".repeat(40),
      "-1",
      "1e2",
      "%",
      "Wor_",
    ])("that is not there has no tasks: %j", async (tag) => {
      expect(await expectFound({ tag })).toBe(0);
    });
  });

  describe.each(sorts)("sorted by %s", (sort) => {
    const order = sort === undefined ? {} : { sort };

    test("pages follow the contract's order, ties by id, each task once", async () => {
      const seen: Task[] = [];
      for (let page = 1; page <= 6; page++)
        seen.push(...(await ada.page({ ...order, page, limit: 7 })).items);
      expect(idsOf(seen)).toEqual(idsOf(ordered(tasks, sort)));
    });

    test("a filter leaves the order as it is", async () => {
      const filters = { status: "pending", tag: workId };
      const { items } = await ada.page({ ...order, ...filters });
      expect(idsOf(items)).toEqual(
        idsOf(
          ordered(
            tasks.filter((task) => fits(filters, task)),
            sort,
          ),
        ),
      );
    });
  });
});
