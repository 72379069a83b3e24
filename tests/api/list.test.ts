import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser, type Task } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { fillList, fold, idsOf, ordered, sorts } from "../support/client/listing.ts";
import { required } from "../support/setup/required.ts";
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

/** The contract's filters, written again in JavaScript to compute the expected tasks. */
const matchesFilters = ({ status = "all", priority, tag, q = "" }: Filters, task: Task): boolean =>
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
    const work = tasks.flatMap(({ tags }) => tags).find(({ name }) => name === "Work");
    workId = String(required(work, "the tag Work").id);
  });

  const expectMatches = async (filters: Filters) => {
    const parameters = Object.entries(filters).filter(([, value]) => value !== undefined);
    const { items, total } = await ada.page({ ...Object.fromEntries(parameters), limit: 100 });
    const expected = tasks.filter((task) => matchesFilters(filters, task));
    expect(idsOf(items)).toEqual(idsOf(expected));
    expect(total).toBe(expected.length);
    return total;
  };

  describe("pages", () => {
    test("without parameters, and with the default values: the first 20 tasks, oldest first", async () => {
      const firstPage = { total: 40, page: 1, limit: 20, pages: 2 };
      expect(await ada.page()).toMatchObject({ ...firstPage, items: tasks.slice(0, 20) });
      expect(await ada.page({})).toMatchObject({ ...firstPage, items: tasks.slice(0, 20) });
      const defaults = { page: 1, limit: 20, q: "", status: "all" };
      expect(await ada.page(defaults)).toMatchObject({ ...firstPage, items: tasks.slice(0, 20) });
      expect(idsOf(tasks)).toEqual(idsOf(ordered(tasks, undefined)));
    });

    test("have only the contract's fields, and Cache-Control: no-store", async () => {
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
    ])("with limit %s: %s pages with every task once", async (limit, pages) => {
      const returned = [];
      for (let page = 1; page <= pages; page++) {
        const result = await ada.page({ page, limit });
        expect(result).toMatchObject({ total: 40, page, limit, pages });
        returned.push(...result.items);
      }
      expect(returned).toEqual(tasks);
    });

    const limitsOverMax: unknown[] =
      transport.name === "REST" ? ["101", "1000", `1${"0".repeat(40)}`] : [101, 1e9, 1e300];
    test.each(limitsOverMax)("with limit %s, over the maximum: limit 100", async (limit) => {
      expect(await ada.page({ limit })).toMatchObject({ limit: 100, pages: 1, items: tasks });
    });

    const pagesPastEnd: unknown[] =
      transport.name === "REST"
        ? ["3", "2147483648", "9223372036854775808", `1${"0".repeat(40)}`]
        : [3, 2 ** 31, 2 ** 53, 1e300];
    test.each(pagesPastEnd)("past the end: no items, and page %s as requested", async (page) => {
      const result = await ada.page({ page });
      expect(result).toMatchObject({ items: [], total: 40, limit: 20, pages: 2 });
      expect(result.page).toBe(Number(page));
    });

    test("of a user without tasks: no items, total 0, pages 0", async () => {
      const eve = await signedInUser(server, { transport });
      const emptyPage = { items: [], total: 0, page: 1, limit: 20, pages: 0 };
      expect(await eve.page()).toMatchObject(emptyPage);
      expect(await eve.page({ page: 5, sort: "title" })).toMatchObject({ ...emptyPage, page: 5 });
    });
  });

  describe("search with q", () => {
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
    ])("%j returns exactly the tasks with it in title or description, in any case", async (q) => {
      expect(await expectMatches({ q })).toBeGreaterThan(0);
    });

    test.each([
      "nowhere",
      "%%",
      "a%b",
      "__",
      "\\\\",
      "'; drop table tasks; --",
      "apple%pie",
      "x".repeat(100),
    ])("%.20s matches no task", async (q) => {
      expect(await expectMatches({ q })).toBe(0);
    });
  });

  test.each([undefined, "all", "pending", "completed"])(
    "status %s combines with priority, tag and q: only tasks that match all",
    async (status) => {
      let matchCount = 0;
      for (const priority of [undefined, "medium"])
        for (const tag of [undefined, workId])
          for (const q of [undefined, "APPLE", "%"]) {
            matchCount += await expectMatches({ status, priority, tag, q });
          }
      expect(matchCount).toBeGreaterThan(20);
    },
  );

  describe("filter by tag", () => {
    test("text matches the name; digits match the id or the name", async () => {
      const byName = await expectMatches({ tag: "Work" });
      const byDigits = await expectMatches({ tag: workId });
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
    ])("%j is not a tag: no items", async (tag) => {
      expect(await expectMatches({ tag })).toBe(0);
    });
  });

  describe.each(sorts)("sorted by %s", (sort) => {
    const order = sort === undefined ? {} : { sort };

    test("pages return every task once, in the contract's order, ties by id", async () => {
      const returned: Task[] = [];
      for (let page = 1; page <= 6; page++)
        returned.push(...(await ada.page({ ...order, page, limit: 7 })).items);
      expect(idsOf(returned)).toEqual(idsOf(ordered(tasks, sort)));
    });

    test("filtered tasks keep the order", async () => {
      const filters = { status: "pending", tag: workId };
      const { items } = await ada.page({ ...order, ...filters });
      expect(items.length).toBeGreaterThan(1);
      expect(idsOf(items)).toEqual(
        idsOf(
          ordered(
            tasks.filter((task) => matchesFilters(filters, task)),
            sort,
          ),
        ),
      );
    });
  });
});
