import {
  AppError,
  maxId,
  priorities,
  type task,
  type taskListInput,
  taskPatch,
} from "@taskwire/shared";
import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";
import { z } from "zod";
import { orderKeys } from "../../db/entities/task.ts";

type Sort = z.output<typeof taskListInput>["sort"];
type Task = z.output<typeof task>;

/** How a cursor stores the sort key of a row. */
interface CursorKey {
  /** Returns the text that a cursor stores. */
  encode: (row: Task) => string;
  /** Returns whether a text can be such a key: a client may have changed the cursor. */
  isValid: (text: string) => boolean;
  /** Returns the SQL value that compares with the sort key. */
  toSql: (text: string) => RawBuilder<unknown>;
}

/** The due date of a task without one, which is later than all dates. */
const noDueDate = "infinity";

/** The rank of each priority, from 1 for the highest, as in the SQL of `orderKeys`. */
const ranks = new Map<string, number>(
  priorities.toReversed().map((priority, index) => [priority, index + 1]),
);

// The text must equal its normal form, because PostgreSQL accepts fewer forms of a time than the schema.
const isTime = (text: string): boolean => taskPatch.shape.due_date.safeParse(text).data === text;
const isTitle = (text: string): boolean => taskPatch.shape.title.safeParse(text).data === text;

const cursorKeys: Record<keyof typeof orderKeys, CursorKey> = {
  created_at: {
    encode: ({ created_at }) => created_at,
    isValid: isTime,
    toSql: (text) => sql`cast(${text} as timestamptz)`,
  },
  due_date: {
    encode: ({ due_date }) => due_date ?? noDueDate,
    isValid: (text) => text === noDueDate || isTime(text),
    toSql: (text) => sql`cast(${text} as timestamptz)`,
  },
  priority: {
    encode: ({ priority }) => priority,
    isValid: (text) => ranks.has(text),
    toSql: (text) => sql`cast(${ranks.get(text)} as integer)`,
  },
  title: {
    encode: ({ title }) => title,
    isValid: isTitle,
    toSql: (text) => sql`case_fold(cast(${text} as text))`,
  },
};

/** The order of a list: by a sort key, if any, then by id. So it is total, and pages never overlap. */
export interface Order {
  sort: Sort;
  direction: "asc" | "desc";
  /** The SQL of the sort key; the id if there is no sort. */
  keySql: RawBuilder<unknown>;
  /** Undefined if there is no sort. */
  cursorKey: CursorKey | undefined;
}

/** Returns the order for a value of `sort`. Without one, the oldest task comes first, by id. */
export const orderOf = (sort: Sort): Order => {
  if (sort === undefined)
    return { sort, direction: "asc", keySql: sql`tasks.id`, cursorKey: undefined };
  // Without its sign, every sort that the schema accepts is a key.
  const name = sort.replace("-", "") as keyof typeof orderKeys;
  return {
    sort,
    direction: sort.startsWith("-") ? "desc" : "asc",
    keySql: sql.raw(orderKeys[name]),
    cursorKey: cursorKeys[name],
  };
};

/** The content of a cursor: user id, sort, sort key and id of a row. */
const position = z.tuple([z.string(), z.string(), z.string(), z.int().min(1).max(maxId)]);

/**
 * Returns the cursor of a row, an opaque text. It names the position in the order, not a number of rows, so it stays
 * correct when other rows are added or removed.
 */
export const encodeCursor = ({ sort, cursorKey }: Order, row: Task): string => {
  const content: z.output<typeof position> = [
    row.user_id,
    sort ?? "",
    cursorKey?.encode(row) ?? "",
    row.id,
  ];
  return Buffer.from(JSON.stringify(content)).toString("base64url");
};

const decode = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
};

/**
 * Returns the condition for the rows after a cursor.
 * @param userId the user whose tasks are listed
 * @throws {AppError} VALIDATION_ERROR if the cursor is invalid or belongs to another list
 */
export const afterCursor = (
  { sort, direction, keySql: key, cursorKey }: Order,
  userId: string,
  cursor: string,
): Expression<SqlBool> => {
  const [cursorUserId, cursorSort, text, id] = position.safeParse(decode(cursor)).data ?? [];
  const isOfList = cursorUserId === userId && cursorSort === (sort ?? "");
  if (!isOfList || text === undefined || cursorKey?.isValid(text) === false) {
    throw new AppError("VALIDATION_ERROR", {
      field: "cursor",
      detail: "cursor is not one of this list",
    });
  }
  if (cursorKey === undefined) return sql<SqlBool>`tasks.id > ${id}`;
  const [fromHere, afterHere] = direction === "asc" ? [sql`>=`, sql`>`] : [sql`<=`, sql`<`];
  const value = cursorKey.toSql(text);
  // The first part bounds the index scan. The second excludes the rows with the same key that came before.
  return sql<SqlBool>`(${key} ${fromHere} ${value} and (${key} ${afterHere} ${value} or tasks.id > ${id}))`;
};
