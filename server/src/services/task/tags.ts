import { AppError, type task, type taskAndTagId } from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import type { UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { taskColumns, tagsOf } from "./row.ts";

type Task = z.output<typeof task>;
type Ids = z.output<typeof taskAndTagId>;

/** The start of both statements: the caller's own task and own tag of these ids, as far as there are any. */
const own = ({ db, user }: UserContext, { task_id, tag_id }: Ids) =>
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

const has = (name: "task" | "tag" | "linked") =>
  sql<boolean>`exists (select from ${sql.table(name)})`;

/** The task is looked for before the tag (CONTRACT.md, "Tasks and tags"). */
const assertBoth = async (
  ctx: UserContext,
  row: { hasTask: boolean; hasTag: boolean },
): Promise<void> => {
  if (row.hasTask && row.hasTag) return;
  await assertUserExists(ctx);
  throw new AppError(row.hasTask ? "TAG_NOT_FOUND" : "TASK_NOT_FOUND");
};

/**
 * Gives a task a tag; once more changes nothing.
 * @throws {AppError} TASK_NOT_FOUND, TAG_NOT_FOUND
 */
export const add = async (ctx: UserContext, ids: Ids): Promise<Task> => {
  const { hasTask, hasTag, isNew, ...row } = await own(ctx, ids)
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
    .selectFrom(sql`(select 1)`.as("always"))
    .leftJoin("tasks", (join) =>
      join.on("tasks.id", "in", (eb) => eb.selectFrom("task").select("id")),
    )
    .select([has("task").as("hasTask"), has("tag").as("hasTag"), has("linked").as("isNew")])
    // The link that this very statement makes is not yet to be seen by it.
    .select((eb) => [...taskColumns(eb), tagsOf(eb, ids.tag_id)])
    .executeTakeFirstOrThrow();
  await assertBoth(ctx, { hasTask, hasTag });
  if (!isNew) ctx.call.markUnchanged();
  // With the task there, the left join gave its row.
  return row as Task;
};

/**
 * Takes a tag from a task, if it has it.
 * @throws {AppError} TASK_NOT_FOUND, TAG_NOT_FOUND
 */
export const remove = async (ctx: UserContext, ids: Ids): Promise<void> => {
  const row = await own(ctx, ids)
    .with("gone", (query) =>
      query
        .deleteFrom("task_tag_link")
        .where("task_id", "in", (eb) => eb.selectFrom("task").select("id"))
        .where("tag_id", "in", (eb) => eb.selectFrom("tag").select("id")),
    )
    .selectNoFrom([has("task").as("hasTask"), has("tag").as("hasTag")])
    .executeTakeFirstOrThrow();
  await assertBoth(ctx, row);
};
