import { maxId, type Priority } from "@taskwire/shared";
import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import type { Tables } from "../../db/orm.ts";

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
