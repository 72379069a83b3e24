import { maxId, type task, type taskListInput, type taskPageWithCursor } from "@taskwire/shared";
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from "kysely";
import type { z } from "zod";
import type { Tables } from "../../db/orm.ts";
import type { UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { afterCursor, encodeCursor, type Order, orderOf } from "./order.ts";
import { taskWithTags } from "./row.ts";
import { searchTasks, type Where } from "./search.ts";

type Input = z.output<typeof taskListInput>;
type Task = z.output<typeof task>;
type Page = z.output<typeof taskPageWithCursor>;

/** Matches a tag by name, and by id if the text has digits only (CONTRACT.md, "Listing"). */
const hasTag = (eb: ExpressionBuilder<Tables, "tasks">, userId: string, tag: string) => {
  const id = /^\d+$/.test(tag) && Number(tag) <= maxId ? Number(tag) : undefined;
  return eb(
    "tasks.id",
    "in",
    eb
      .selectFrom("task_tag_link")
      .innerJoin("tags", "tags.id", "task_tag_link.tag_id")
      .where("tags.user_id", "=", userId)
      .where((tags) =>
        tags.or([
          tags("tags.name", "=", tag),
          ...(id === undefined ? [] : [tags("tags.id", "=", id)]),
        ]),
      )
      .select("task_tag_link.task_id"),
  );
};

const filterOf =
  (userId: string, { status, priority, tag }: Input): Where =>
  (eb) =>
    eb.and([
      eb("tasks.user_id", "=", userId),
      ...(status === "all" ? [] : [eb("tasks.completed", "=", status === "completed")]),
      ...(priority === undefined ? [] : [eb("tasks.priority", "=", priority)]),
      ...(tag === undefined ? [] : [hasTag(eb, userId, tag)]),
    ]);

/** Narrows the filter to the tasks that contain the searched text, if there is one. */
const searched = async (ctx: UserContext, filter: Where, q: string | undefined): Promise<Where> => {
  if (q === undefined || q === "") return filter;
  const { deps, call, user } = ctx;
  const ids = await deps.searches.run(user.id, () => searchTasks(ctx, filter, q), call.signal);
  return (eb) =>
    eb.and([eb("tasks.user_id", "=", user.id), sql<SqlBool>`tasks.id = any(${ids}::integer[])`]);
};

interface PageQuery {
  filter: Where;
  order: Order;
  /** Excludes the tasks up to a cursor. */
  after: Expression<SqlBool> | undefined;
  limit: number;
  offset: number;
}

/**
 * Reads the count, and the tasks of a page with their tags, in one statement. It selects the ids from an index first, so
 * that it reads only the rows of the page.
 */
const readPage = ({ db }: UserContext, { filter, order, after, limit, offset }: PageQuery) =>
  db
    .selectFrom((eb) =>
      eb
        .selectFrom("tasks")
        .where(filter)
        .select(sql<number>`count(*)::int`.as("total"))
        .as("counted"),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom((inner) => {
            const ids = inner
              .selectFrom("tasks")
              .where(filter)
              .orderBy(order.keySql, order.direction)
              .orderBy("tasks.id")
              .limit(limit)
              .offset(offset)
              .select("tasks.id as picked_id");
            return (after === undefined ? ids : ids.where(after)).as("picked");
          })
          .innerJoin("tasks", "tasks.id", "picked.picked_id")
          .select((page) => taskWithTags(page))
          .orderBy(order.keySql, order.direction)
          .orderBy("tasks.id")
          .as("page"),
      (join) => join.onTrue(),
    )
    .selectAll("page")
    .select("counted.total")
    .execute();

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
  const rows = await readPage(ctx, {
    filter: await searched(ctx, filterOf(ctx.user.id, input), input.q),
    order,
    after,
    // One more than requested shows whether there is a next page. The count does not show it after a cursor.
    limit: limit + 1,
    // A larger number would not fit into a bigint, and there are no rows there anyway.
    offset: after === undefined ? Math.min((page - 1) * limit, Number.MAX_SAFE_INTEGER) : 0,
  });
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
