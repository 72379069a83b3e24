import type { tag } from "@taskwire/shared";
import { type ExpressionBuilder, sql } from "kysely";
import type { z } from "zod";
import type { Tables } from "../../db/orm.ts";
import { isoTime } from "../../db/sql.ts";

type Tag = z.output<typeof tag>;

/**
 * The tags of the row of `tasks` at hand, as one JSON value: no second query, and none for each row.
 * @param also the id of a tag that counts as the task's own already
 */
export const tagsOf = (eb: ExpressionBuilder<Tables, "tasks">, also?: number) => {
  const ids = eb
    .selectFrom("task_tag_link")
    .whereRef("task_tag_link.task_id", "=", "tasks.id")
    .select("task_tag_link.tag_id");
  return eb
    .selectFrom("tags")
    .where(
      "tags.id",
      "in",
      also === undefined
        ? ids
        : ids.unionAll(sql<{ tag_id: number }>`(select cast(${also} as integer))`),
    )
    .select(
      sql<Tag[]>`coalesce(json_agg(json_build_object('id', tags.id, 'name', tags.name,
        'color', tags.color, 'user_id', tags.user_id) order by tags.id), '[]')`.as("tags"),
    )
    .$asScalar()
    .$notNull()
    .as("tags");
};

/** What a row of `tasks` answers: its own columns as the contract writes them. */
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

/** The same with its tags. */
export const taskWithTags = (eb: ExpressionBuilder<Tables, "tasks">) => [
  ...taskColumns(eb),
  tagsOf(eb),
];
