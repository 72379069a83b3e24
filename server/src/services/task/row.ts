import { type ExpressionBuilder, sql } from "kysely";
import { jsonArrayFrom } from "kysely/helpers/postgres";
import type { Tables } from "../../db/orm.ts";
import { isoTime } from "../../db/sql.ts";
import { tagColumns } from "../tag.ts";

/**
 * Selects the tags of each row of `tasks` as one JSON array, in the same statement.
 * @param addedTagId the id of a tag that counts as one of the task's tags, even if the link is not visible yet
 */
export const tagsOf = (eb: ExpressionBuilder<Tables, "tasks">, addedTagId?: number) => {
  const ids = eb
    .selectFrom("task_tag_link")
    .whereRef("task_tag_link.task_id", "=", "tasks.id")
    .select("task_tag_link.tag_id");
  const allIds =
    addedTagId === undefined
      ? ids
      : ids.unionAll(sql<{ tag_id: number }>`(select cast(${addedTagId} as integer))`);
  return jsonArrayFrom(
    eb.selectFrom("tags").where("tags.id", "in", allIds).select(tagColumns).orderBy("tags.id"),
  ).as("tags");
};

/** Selects the columns of a row of `tasks` as the contract writes them. */
export const taskColumns = (eb: ExpressionBuilder<Tables, "tasks">) => [
  "tasks.id" as const,
  "tasks.title" as const,
  "tasks.description" as const,
  "tasks.completed" as const,
  "tasks.priority" as const,
  "tasks.recurrence_rule" as const,
  "tasks.user_id" as const,
  isoTime(eb.ref("tasks.due_date")).$castTo<string | null>().as("due_date"),
  isoTime(eb.ref("tasks.created_at")).as("created_at"),
  isoTime(eb.ref("tasks.updated_at")).as("updated_at"),
];

/** Selects the same columns, and the tags. */
export const taskWithTags = (eb: ExpressionBuilder<Tables, "tasks">) => [
  ...taskColumns(eb),
  tagsOf(eb),
];
