import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { times } from "../support/setup/property.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** Stores tasks with the longest texts. Every third one has the word "third" in its title, and every fourth in its description. */
const storeTasks = async ({ id }: SignedInUser, count: number): Promise<void> => {
  // In batches, because a statement has a limit.
  for (let first = 1; first <= count; first += 1000) {
    await server.deps.orm.em.fork().execute(
      `insert into tasks (title, description, priority, user_id, created_at)
        select case when i % 3 = 0 then 'The THIRD' else repeat('a', 200) end,
          case when i % 4 = 0 then repeat('a', 994) || ' third' else repeat('a', 1000) end, 'low', ?, now()
        from generate_series(?::integer, ?::integer) i`,
      [id, first, Math.min(count, first + 999)],
    );
  }
};

/** What a search reads with each statement. */
const sliceSize = 2000;

/** One of how many pages is read, beside the first and the last one. */
const pageStride = times("SEARCH_PAGE_STRIDE", 1);

describe.each(transports)("over $name", (transport) => {
  test.each([
    ["exactly one slice", sliceSize],
    ["one more than two slices", 2 * sliceSize + 1],
  ])("finds every match among %s of tasks, in order, page by page", async (_, count) => {
    const ada = await signedInUser(server, { transport });
    const other = await signedInUser(server, { transport });
    await storeTasks(ada, count);
    await storeTasks(other, 5);
    const total = Math.floor(count / 3) + Math.floor(count / 4) - Math.floor(count / 12);
    const expected = await server.deps.orm.em
      .fork()
      .execute<{ id: number }[]>(
        "select id from tasks where user_id = ? and (title || description) like any (array['%THIRD%', '%third%']) order by id",
        [ada.id],
      );
    expect(expected).toHaveLength(total);
    const pages = Math.ceil(total / 100);
    for (let page = 1; page <= pages; page++) {
      if (page % pageStride !== 0 && page !== 1 && page !== pages) continue;
      const { items, ...rest } = await ada.page({ q: "Third", limit: 100, page });
      expect(rest.total).toBe(total);
      expect(items.map(({ id }) => id)).toEqual(
        expected.slice(100 * (page - 1), 100 * page).map(({ id }) => id),
      );
    }
    expect(await ada.page({ q: "fourth" })).toMatchObject({ items: [], total: 0, pages: 0 });
  });

  test("finds the matches of every combination of filters, in any sort", async () => {
    const ada = await signedInUser(server, { transport });
    const { id: tag_id } = await ada.newTag("Tagged");
    const flags = [true, false];
    for (const high of flags)
      for (const completed of flags)
        for (const tagged of flags) {
          const title = `Match ${high ? "high" : "low"} ${completed} ${tagged}`;
          const priority = high ? "high" : "low";
          const { id: task_id } = await ada.newTask({ title, completed, priority });
          if (tagged) await ada.call("task.addTag", { task_id, tag_id });
        }
    await ada.newTask({ title: "Other", completed: true, priority: "high" });
    const sorts = [{}, { sort: "title" }, { sort: "-created_at" }] as const;
    for (const byPriority of [{}, { priority: "high" }])
      for (const byStatus of [{}, { status: "completed" }])
        for (const byTag of [{}, { tag: "Tagged" }])
          for (const bySort of sorts) {
            const filters = { ...byPriority, ...byStatus, ...byTag };
            const { items } = await ada.page({ q: "match", ...filters, ...bySort });
            expect(items).toHaveLength(8 / 2 ** Object.keys(filters).length);
            expect(items).toEqual(items.filter(({ title }) => title.startsWith("Match")));
            expect(items).toMatchObject(
              items.map(() => ({
                ...byPriority,
                ...("status" in byStatus ? { completed: true } : {}),
                ...("tag" in byTag ? { tags: [{ id: tag_id }] } : {}),
              })),
            );
            if (!("sort" in bySort)) continue;
            const keys = items.map(({ title, created_at }) =>
              bySort.sort === "title" ? title : created_at,
            );
            const ascending = keys.toSorted();
            expect(keys).toEqual(bySort.sort === "title" ? ascending : ascending.toReversed());
          }
  });

  test("searches of one user run one after another, while other calls and other users do not wait", async () => {
    const ada = await signedInUser(server, { transport });
    const other = await signedInUser(server, { transport });
    const gate = Promise.withResolvers<void>();
    const running = server.deps.searches.run(ada.id, () => gate.promise);
    let isDone = false;
    const search = ada.page({ q: "a" }).finally(() => (isDone = true));
    await ada.page();
    await other.page({ q: "a" });
    expect(isDone).toBe(false);
    gate.resolve();
    await running;
    expect(await search).toMatchObject({ total: 0 });
  });

  test("the calls of another user run between the statements of a long search", async () => {
    const ada = await signedInUser(server, { transport });
    const other = await signedInUser(server, { transport });
    await storeTasks(ada, 5 * sliceSize);
    let isDone = false;
    const search = ada.call("task.list", { q: "fourth" }).finally(() => (isDone = true));
    // The search has five statements, each of these calls one: whatever the load, the first is done before.
    await Promise.race(Array.from({ length: 5 }, () => other.page()));
    expect(isDone).toBe(false);
    await search;
  });
});
