import type { task, taskListInput, taskPageWithCursor } from "@taskwire/shared";
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from "kysely";
import type { z } from "zod";
import type { Tables } from "../../db/orm.ts";
import type { UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { cursorAfter, afterCursor, type Order, orderOf } from "./order.ts";
import { taskWithTags } from "./row.ts";

type Input = z.output<typeof taskListInput>;
type Task = z.output<typeof task>;
type Page = z.output<typeof taskPageWithCursor>;
type Where = (eb: ExpressionBuilder<Tables, "tasks">) => Expression<SqlBool>;

const maxId = 2_147_483_647;

/** Anywhere in title or description, in any case; %, _ and \ are ordinary characters (CONTRACT.md, "Listing"). */
const matches = (eb: ExpressionBuilder<Tables, "tasks">, q: string) => {
  const pattern = `%${q.replace(/[\\%_]/g, String.raw`\$&`)}%`;
  const like = (column: "title" | "description") =>
    sql<SqlBool>`case_fold(${eb.ref(`tasks.${column}`)}) like case_fold(${pattern})`;
  return eb.or([like("title"), like("description")]);
};

/** Digits mean that id or a tag of that very name; other text a name. */
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
  (userId: string, { q, status, priority, tag }: Input): Where =>
  (eb) =>
    eb.and([
      eb("tasks.user_id", "=", userId),
      ...(status === "all" ? [] : [eb("tasks.completed", "=", status === "completed")]),
      ...(priority === undefined ? [] : [eb("tasks.priority", "=", priority)]),
      ...(tag === undefined ? [] : [hasTag(eb, userId, tag)]),
      ...(q === undefined || q === "" ? [] : [matches(eb, q)]),
    ]);

interface Span {
  filter: Where;
  order: Order;
  after: Expression<SqlBool> | undefined;
  limit: number;
  offset: number;
}

/** One statement: the count, and the page's tasks with their tags. Ids are picked from an index before any row is read. */
const statement = ({ db }: UserContext, { filter, order, after, limit, offset }: Span) =>
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
              .orderBy(order.key, order.direction)
              .orderBy("tasks.id")
              .limit(limit)
              .offset(offset)
              .select("tasks.id as picked_id");
            return (after === undefined ? ids : ids.where(after)).as("picked");
          })
          .innerJoin("tasks", "tasks.id", "picked.picked_id")
          .select((page) => taskWithTags(page))
          .orderBy(order.key, order.direction)
          .orderBy("tasks.id")
          .as("page"),
      (join) => join.onTrue(),
    )
    .selectAll("page")
    .select("counted.total")
    .execute();

// A left join gives one row of nulls where a page is empty, which no row of a task is.
const isTask = <Row extends { id: number | null }>(row: Row): row is Row & Task => row.id !== null;

/**
 * A page of the caller's tasks (CONTRACT.md, "Listing"): the page of that number, or what comes after a cursor.
 * @throws {AppError} VALIDATION_ERROR for a cursor of another list, INVALID_TOKEN when the user is no more
 */
export const list = async (ctx: UserContext, input: Input): Promise<Page> => {
  const { page, limit, cursor } = input;
  const order = orderOf(input.sort);
  const after = cursor == null ? undefined : afterCursor(order, ctx.user.id, cursor);
  const rows = await statement(ctx, {
    filter: filterOf(ctx.user.id, input),
    order,
    after,
    // One more than asked for tells whether there is a next page, whatever was counted.
    limit: limit + 1,
    // Beyond what a bigint holds there are no rows either.
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
    next_cursor: tasks.length > limit && last !== undefined ? cursorAfter(order, last) : null,
  };
};
