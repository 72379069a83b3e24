import { type task, type taskListInput, type taskPageWithCursor } from "@taskwire/shared";
import type { z } from "zod";
import type { UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { type Filter, matching } from "./filter.ts";
import { afterCursor, encodeCursor, orderOf } from "./order.ts";
import { readNumberedPage, readPage } from "./page.ts";
import { readFoundPage, searchTasks } from "./search.ts";

type Input = z.output<typeof taskListInput>;
type Task = z.output<typeof task>;
type Page = z.output<typeof taskPageWithCursor>;

const filterOf = (userId: string, { status, priority, tag }: Input): Filter => ({
  userId,
  ...(status === "all" ? {} : { completed: status === "completed" }),
  ...(priority === undefined ? {} : { priority }),
  ...(tag === undefined ? {} : { tag }),
});

/** Returns the ids of the tasks of the filter that contain a text, when it is the caller's turn to search. */
const find = (ctx: UserContext, filter: Filter, q: string): Promise<number[]> => {
  const { deps, call, user } = ctx;
  return deps.searches.run(user.id, () => searchTasks(ctx, filter, q), call.signal);
};

// For an empty page, the left join returns one row of nulls.
const isTask = <Row extends { id: number | null }>(row: Row): row is Row & Task => row.id !== null;

/**
 * Lists a page of the caller's tasks (CONTRACT.md, "Listing"): the page with a number, or the one after a cursor.
 * @throws {AppError} VALIDATION_ERROR for a cursor of another list, INVALID_TOKEN if the user no longer exists
 */
export const list = async (ctx: UserContext, input: Input): Promise<Page> => {
  const { page, limit, cursor } = input;
  const order = orderOf(input.sort);
  const after = cursor == null ? undefined : afterCursor(order, ctx.user.id, cursor);
  const filter = filterOf(ctx.user.id, input);
  const bounds = {
    order,
    // One more than requested shows whether there is a next page. The count does not show it after a cursor.
    limit: limit + 1,
    // A larger number would not fit into a bigint, and there are no rows there anyway.
    offset: after === undefined ? Math.min((page - 1) * limit, Number.MAX_SAFE_INTEGER) : 0,
  };
  const { q = "" } = input;
  let rows: Awaited<ReturnType<typeof readNumberedPage>>;
  if (q !== "") {
    const found = { userId: ctx.user.id, ids: await find(ctx, filter, q) };
    rows = await readFoundPage(ctx, found, { after, ...bounds });
  } else if (after === undefined && filter.tag === undefined)
    rows = await readNumberedPage(ctx, filter, bounds);
  else rows = await readPage(ctx, { where: matching(filter), filter, after, ...bounds });
  const total = rows[0]?.total ?? 0;
  if (total === 0) await assertUserExists(ctx);
  const tasks = rows.filter(isTask);
  const items = tasks.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    total,
    page,
    limit,
    pages: Math.ceil(total / limit),
    next_cursor: tasks.length > limit && last !== undefined ? encodeCursor(order, last) : null,
  };
};
