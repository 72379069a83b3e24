import { AppError, type task, type taskAndTagId } from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import type { UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { taskColumns, tagsOf } from "./row.ts";

type Task = z.output<typeof task>;
type Ids = z.output<typeof taskAndTagId>;

/** Starts both statements: selects the task and the tag with these ids, if they are the caller's. */
const withTaskAndTag = ({ db, user }: UserContext, { task_id, tag_id }: Ids) =>
  db
    .with("task", (query) =>
      query
        .selectFrom("tasks")
        .where("id", "=", task_id)
        .where("user_id", "=", user.id)
        .select("id"),
    )
    .with("tag", (query) =>
      query.selectFrom("tags").where("id", "=", tag_id).where("user_id", "=", user.id).select("id"),
    );

/** Returns whether a part of the statement has a row. */
const hasRow = (name: "task" | "tag" | "linked") =>
  sql<boolean>`exists (select from ${sql.table(name)})`;

/**
 * Rejects the call if the task or the tag does not exist; the task comes first (CONTRACT.md, "Tasks and tags").
 * @throws {AppError} TASK_NOT_FOUND, TAG_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
const assertBothExist = async (
  ctx: UserContext,
  row: { hasTask: boolean; hasTag: boolean },
): Promise<void> => {
  if (row.hasTask && row.hasTag) return;
  await assertUserExists(ctx);
  throw new AppError(row.hasTask ? "TAG_NOT_FOUND" : "TASK_NOT_FOUND");
};

/**
 * Adds a tag to a task. If the task has it already, nothing changes, and the call is marked as unchanged.
 * @throws {AppError} TASK_NOT_FOUND, TAG_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
export const add = async (ctx: UserContext, ids: Ids): Promise<Task> => {
  const { hasTask, hasTag, isNew, ...row } = await withTaskAndTag(ctx, ids)
    .with("linked", (query) =>
      query
        .insertInto("task_tag_link")
        .columns(["task_id", "tag_id"])
        .expression((eb) =>
          eb.selectFrom(["task", "tag"]).select(["task.id as task_id", "tag.id as tag_id"]),
        )
        .onConflict((conflict) => conflict.doNothing())
        .returning("task_id"),
    )
    .selectFrom(sql`(select 1)`.as("one"))
    .leftJoin("tasks", (join) =>
      join.on("tasks.id", "in", (eb) => eb.selectFrom("task").select("id")),
    )
    .select([
      hasRow("task").as("hasTask"),
      hasRow("tag").as("hasTag"),
      hasRow("linked").as("isNew"),
    ])
    // A statement does not see the link that it inserts, so the tag is added to the result.
    .select((eb) => [...taskColumns(eb), tagsOf(eb, ids.tag_id)])
    .executeTakeFirstOrThrow();
  await assertBothExist(ctx, { hasTask, hasTag });
  if (!isNew) ctx.call.markUnchanged();
  // The task exists, so the left join returned its columns.
  return row as Task;
};

/**
 * Removes a tag from a task. If the task does not have it, nothing changes.
 * @throws {AppError} TASK_NOT_FOUND, TAG_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
export const remove = async (ctx: UserContext, ids: Ids): Promise<void> => {
  const row = await withTaskAndTag(ctx, ids)
    .with("unlinked", (query) =>
      query
        .deleteFrom("task_tag_link")
        .where("task_id", "in", (eb) => eb.selectFrom("task").select("id"))
        .where("tag_id", "in", (eb) => eb.selectFrom("tag").select("id")),
    )
    .selectNoFrom([hasRow("task").as("hasTask"), hasRow("tag").as("hasTag")])
    .executeTakeFirstOrThrow();
  await assertBothExist(ctx, row);
};
