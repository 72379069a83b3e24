import { type SqlBool, sql } from "kysely";
import { compileForColumns, compileOnce } from "../../db/compile.ts";
import type { Database } from "../../db/orm.ts";
import { serviceUnavailable } from "../../errors.ts";
import type { UserContext } from "../context.ts";
import { type Filter, matching, type Where } from "./filter.ts";
import type { Order } from "./order.ts";
import { pageQuery, type PageQuery, readPage } from "./page.ts";

/** Tasks that one statement reads. Others' calls run between two statements, so none of them waits for a whole search. */
const sliceSize = 2000;

interface SliceValues {
  /** 1 to 100 code points. */
  q: string;
  /** The last id of the slice before, or 0. */
  last: number;
}

interface Slice {
  count: number;
  last: number | null;
  ids: number[];
}

/** Returns the query of the next slice: how many tasks it has, its last id, and the ids of those that contain the text. */
const sliceQuery = (db: Database, filter: Where, { q, last }: SliceValues) => {
  const has = (column: "title" | "description") =>
    sql<SqlBool>`strpos(case_fold(${sql.ref(column)}), case_fold(${q})) > 0`;
  return db
    .selectFrom((eb) =>
      eb
        .selectFrom("tasks")
        .where(filter)
        .where("tasks.id", ">", last)
        .orderBy("tasks.id")
        .limit(sliceSize)
        .select(["id", "title", "description"])
        .as("slice"),
    )
    .select([
      sql<number>`count(*)::int`.as("count"),
      sql<number | null>`max(id)`.as("last"),
      sql<
        number[]
      >`coalesce(array_agg(id) filter (where ${has("title")} or ${has("description")}), '{}')`.as(
        "ids",
      ),
    ]);
};

type Columns = Pick<Filter, "completed" | "priority">;

const compiledSlice = compileForColumns<Columns, SliceValues & Pick<Filter, "userId">, Slice>(
  (db, values, columns) => {
    const given = Object.fromEntries(columns.map((column) => [column, values[column]]));
    return sliceQuery(db, matching({ userId: values.userId, ...given }), values);
  },
);

const columnNames = ["completed", "priority"] as const;

const readSlice = ({ db }: UserContext, filter: Filter, values: SliceValues): Promise<Slice[]> =>
  filter.tag === undefined
    ? compiledSlice(
        db,
        { ...filter, ...values },
        columnNames.filter((column) => filter[column] !== undefined),
      )
    : sliceQuery(db, matching(filter), values).execute();

/**
 * Returns the ids of the tasks that have a text anywhere in title or description, in any case; %, _ and \ are ordinary
 * characters (CONTRACT.md, "Listing"). No index helps, so it reads all tasks of the filter, a slice at a time.
 * `like` was tried: for 100 times `a` before a `b` it takes 17 times as long as `strpos`.
 * @param filter the caller's tasks, or some of them
 * @param q 1 to 100 code points
 * @throws {AppError} SERVICE_UNAVAILABLE if the call is aborted or exceeds its deadline
 */
export const searchTasks = async (ctx: UserContext, filter: Filter, q: string) => {
  const signal = ctx.call.signal();
  const found: number[] = [];
  let last = 0;
  let isComplete = false;
  while (!isComplete) {
    if (signal.aborted) throw serviceUnavailable();
    const [slice] = await readSlice(ctx, filter, { q, last });
    if (slice === undefined) throw new Error("An aggregate returned no row");
    for (const id of slice.ids) found.push(id);
    last = slice.last ?? last;
    isComplete = slice.count < sliceSize;
  }
  return found;
};

/** Found tasks. The owner is compared again, so that a wrong id shows no task of another user. */
interface Found {
  userId: string;
  ids: readonly number[];
}

const among =
  ({ userId, ids }: Found): Where =>
  (eb) =>
    eb.and([eb("tasks.user_id", "=", userId), sql<SqlBool>`tasks.id = any(${ids}::integer[])`]);

const compileFound = (order: Order) =>
  compileOnce((db, values: Found & Pick<PageQuery, "limit" | "offset">) => {
    const { limit, offset } = values;
    return pageQuery(db, { where: among(values), order, after: undefined, limit, offset });
  });

/** The queries of pages without a cursor, by their sort. */
const compiledFound = new Map<Order["sort"], ReturnType<typeof compileFound>>();

/** Reads a page of found tasks. */
export const readFoundPage = (
  ctx: UserContext,
  found: Found,
  { after, order, ...bounds }: Omit<PageQuery, "where">,
) => {
  if (after !== undefined) return readPage(ctx, { where: among(found), after, order, ...bounds });
  const known = compiledFound.get(order.sort);
  const read = known ?? compileFound(order);
  if (known === undefined) compiledFound.set(order.sort, read);
  return read(ctx.db, { ...found, ...bounds });
};
