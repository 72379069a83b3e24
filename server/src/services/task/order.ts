import { AppError, type task, type taskListInput, taskPatch } from "@taskwire/shared";
import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";
import { z } from "zod";
import { orderKeys } from "../../db/entities/task.ts";

type Sort = z.output<typeof taskListInput>["sort"];
type Task = z.output<typeof task>;

interface Key {
  /** What a cursor keeps of a row. */
  of: (row: Task) => string;
  /** Whether a text can be that: a cursor is the client's to change. */
  is: (text: string) => boolean;
  /** The text as a value that compares with the order's key. */
  value: (text: string) => RawBuilder<unknown>;
}

const endless = "infinity";
const ranks = new Map([
  ["high", 1],
  ["medium", 2],
  ["low", 3],
]);

// What a row answers passes its own schema unchanged; PostgreSQL reads fewer spellings of a time than the schema does.
const isTime = (text: string): boolean => taskPatch.shape.due_date.safeParse(text).data === text;
const isTitle = (text: string): boolean => taskPatch.shape.title.safeParse(text).data === text;

const keys: Record<keyof typeof orderKeys, Key> = {
  created_at: {
    of: ({ created_at }) => created_at,
    is: isTime,
    value: (text) => sql`cast(${text} as timestamptz)`,
  },
  due_date: {
    of: ({ due_date }) => due_date ?? endless,
    is: (text) => text === endless || isTime(text),
    value: (text) => sql`cast(${text} as timestamptz)`,
  },
  priority: {
    of: ({ priority }) => priority,
    is: (text) => ranks.has(text),
    value: (text) => sql`cast(${ranks.get(text)} as integer)`,
  },
  title: {
    of: ({ title }) => title,
    is: isTitle,
    value: (text) => sql`case_fold(cast(${text} as text))`,
  },
};

/** How a list is ordered: by a key, if any, then by id, so that the order is total and pages never overlap. */
export interface Order {
  sort: Sort;
  direction: "asc" | "desc";
  /** The key's SQL; the id alone where nothing else is asked for. */
  key: RawBuilder<unknown>;
  kind: Key | undefined;
}

/** The order that a `sort` names; without one, oldest first, by id. */
export const orderOf = (sort: Sort): Order => {
  if (sort === undefined) return { sort, direction: "asc", key: sql`tasks.id`, kind: undefined };
  // What is left of a sort without its sign is a key, as the schema lists the sorts.
  const name = sort.replace("-", "") as keyof typeof orderKeys;
  return {
    sort,
    direction: sort.startsWith("-") ? "desc" : "asc",
    key: sql.raw(orderKeys[name]),
    kind: keys[name],
  };
};

/** Whose list, by what sort, and which row in it. */
const position = z.tuple([z.string(), z.string(), z.string(), z.int().min(1).max(2_147_483_647)]);

/**
 * The place after a row, as an opaque text. It stays right while rows come and go, as it names a place in
 * the order and not a count of rows.
 */
export const cursorAfter = ({ sort, kind }: Order, row: Task): string => {
  const place: z.output<typeof position> = [row.user_id, sort ?? "", kind?.of(row) ?? "", row.id];
  return Buffer.from(JSON.stringify(place)).toString("base64url");
};

const decode = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
};

/**
 * What comes after a cursor.
 * @param userId whose list it is
 * @throws {AppError} VALIDATION_ERROR when it is none, or one of another list
 */
export const afterCursor = (
  { sort, direction, key, kind }: Order,
  userId: string,
  cursor: string,
): Expression<SqlBool> => {
  const [whose, by, text, id] = position.safeParse(decode(cursor)).data ?? [];
  const isOfList = whose === userId && by === (sort ?? "");
  if (!isOfList || text === undefined || kind?.is(text) === false) {
    throw new AppError("VALIDATION_ERROR", {
      field: "cursor",
      detail: "cursor is not one of this list",
    });
  }
  if (kind === undefined) return sql<SqlBool>`tasks.id > ${id}`;
  const [reached, passed] = direction === "asc" ? [sql`>=`, sql`>`] : [sql`<=`, sql`<`];
  const value = kind.value(text);
  // The first half alone bounds the index scan; the second leaves out what was answered before.
  return sql<SqlBool>`(${key} ${reached} ${value} and (${key} ${passed} ${value} or tasks.id > ${id}))`;
};
