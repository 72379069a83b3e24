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
import { type Filter, matching, type Where } from "./filter.ts";
import type { Order } from "./order.ts";
import { taskWithTags } from "./row.ts";

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

/** Reads a page of any list. */
export const readPage = ({ db }: UserContext, query: PageQuery) => pageQuery(db, query).execute();

interface Bounds {
  limit: number;
  offset: number;
}

type PageValues = Required<Omit<Filter, "tag">> & Bounds;

/** One more than the default: the limit of most pages. */
const usualLimit = 21;

/**
 * Whether an index has the order of a list, so that one plan is right for all users. The usual bounds are literals then: for a limit
 * that is a parameter, PostgreSQL expects a tenth of all rows, so it keeps no plan, and plans each execution anew, which takes
 * longer than to read the page. Other lists need that: users with few and with many tasks have different plans.
 */
const hasIndex = (order: Order, filter: Omit<Filter, "tag">): boolean =>
  filter.priority === undefined && (filter.completed === undefined || order.sort === undefined);

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
  filter: Omit<Filter, "tag">,
  { order, limit, offset }: Bounds & Pick<PageQuery, "order">,
) => {
  const { userId, completed, priority } = filter;
  const isIndexed = hasIndex(order, filter);
  const text: PageText = {
    byStatus: completed !== undefined,
    byPriority: priority !== undefined,
    hasUsualLimit: isIndexed && limit === usualLimit,
    isFirst: isIndexed && offset === 0,
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
