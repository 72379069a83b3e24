import { maxId, type Priority } from "@taskwire/shared";
import {
  type Expression,
  type ExpressionBuilder,
  type RawBuilder,
  type SqlBool,
  sql,
} from "kysely";
import { compileOnce } from "../../db/compile.ts";
import type { Database, Tables } from "../../db/orm.ts";
import type { UserContext } from "../context.ts";
import type { Order } from "./order.ts";
import { taskWithTags } from "./row.ts";

/** A condition on tasks. */
export type Where = (eb: ExpressionBuilder<Tables, "tasks">) => Expression<SqlBool>;

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

/** Which tasks of a user a list contains. An absent field does not filter. */
export interface Filter {
  userId: string;
  completed?: boolean;
  priority?: Priority;
  tag?: string;
}

/** Returns the condition of a filter. */
export const matching =
  ({ userId, completed, priority, tag }: Filter): Where =>
  (eb) =>
    eb.and([
      eb("tasks.user_id", "=", userId),
      ...(completed === undefined ? [] : [eb("tasks.completed", "=", completed)]),
      ...(priority === undefined ? [] : [eb("tasks.priority", "=", priority)]),
      ...(tag === undefined ? [] : [hasTag(eb, userId, tag)]),
    ]);

export interface PageQuery {
  where: Where;
  /** The filter that `where` is the condition of; absent for a search. */
  filter?: Filter;
  order: Order;
  /** Excludes the tasks up to a cursor. */
  after: Expression<SqlBool> | undefined;
  /** A literal is in the text of the statement, where the planner sees it. */
  limit: number | RawBuilder<number>;
  offset: number | RawBuilder<number>;
}

/** Returns the query of the number of tasks. Triggers keep those of each user and status, so these cost one row. */
const totalOf = (
  eb: ExpressionBuilder<Tables, never>,
  { where, filter }: { where: Where; filter: Filter | undefined },
) => {
  if (filter === undefined || filter.priority !== undefined || filter.tag !== undefined)
    return eb
      .selectFrom("tasks")
      .where(where)
      .select(sql<number>`count(*)::int`.as("total"));
  const { userId, completed } = filter;
  const kept =
    completed === undefined
      ? sql`open + completed`
      : sql`case when cast(${completed} as boolean) then completed else open end`;
  // A user without a task may have no row. An aggregate always returns one.
  return eb
    .selectFrom("user_task_counts")
    .where("user_id", "=", userId)
    .select(sql<number>`coalesce(sum(${kept}), 0)::int`.as("total"));
};

/**
 * Returns the query of the total, and of the tasks of a page with their tags. It selects the ids from an index first, so
 * that it reads only the rows of the page.
 */
export const pageQuery = (
  db: Database,
  { where, filter, order, after, limit, offset }: PageQuery,
) =>
  db
    .selectFrom((eb) => totalOf(eb, { where, filter }).as("counted"))
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom((inner) => {
            const ids = inner
              .selectFrom("tasks")
              .where(where)
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
    .select("counted.total");

/**
 * One more than the default: the limit of most pages. It and the offset 0 are literals in the statement. For a limit that is a
 * parameter, PostgreSQL expects a tenth of all rows, so it keeps no plan, and plans each execution anew, which takes longer
 * than to read the page.
 */
const usualLimit = 21;

/** Reads a page of any list. */
export const readPage = ({ db }: UserContext, query: PageQuery) => {
  const { limit, offset } = query;
  return pageQuery(db, {
    ...query,
    limit: limit === usualLimit ? sql.lit(limit) : limit,
    offset: offset === 0 ? sql.lit(offset) : offset,
  }).execute();
};

interface Bounds {
  limit: number;
  offset: number;
}

type PageValues = Required<Omit<Filter, "tag">> & Bounds;

/** What the text of a query depends on, beside its sort. */
interface PageText {
  byStatus: boolean;
  byPriority: boolean;
  hasUsualLimit: boolean;
  isFirst: boolean;
}

const compilePage = (order: Order, text: PageText) =>
  compileOnce((db, { userId, completed, priority, limit, offset }: PageValues) => {
    const filter: Filter = {
      userId,
      ...(text.byStatus ? { completed } : {}),
      ...(text.byPriority ? { priority } : {}),
    };
    return pageQuery(db, {
      where: matching(filter),
      filter,
      order,
      after: undefined,
      limit: text.hasUsualLimit ? sql.lit(usualLimit) : limit,
      offset: text.isFirst ? sql.lit(0) : offset,
    });
  });

/** The queries of numbered pages without a tag and a search, which are most: by their sort and text. */
const compiledPages = new Map<string, ReturnType<typeof compilePage>>();

/** Runs the compiled query of such a page. */
export const readNumberedPage = (
  { db }: UserContext,
  { userId, completed, priority }: Omit<Filter, "tag">,
  { order, limit, offset }: Bounds & Pick<PageQuery, "order">,
) => {
  const text: PageText = {
    byStatus: completed !== undefined,
    byPriority: priority !== undefined,
    hasUsualLimit: limit === usualLimit,
    isFirst: offset === 0,
  };
  const key = [order.sort, ...Object.values(text)].join();
  let read = compiledPages.get(key);
  if (read === undefined) compiledPages.set(key, (read = compilePage(order, text)));
  // A value without a filter is not in the query.
  return read(db, {
    userId,
    completed: completed ?? false,
    priority: priority ?? "low",
    limit,
    offset,
  });
};
