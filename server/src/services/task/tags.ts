import { AppError, type task, type taskAndTagId } from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import { compileOnce } from "../../db/compile.ts";
import type { Database } from "../../db/orm.ts";
import type { UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { taskColumns, tagsOf } from "./row.ts";

type Task = z.output<typeof task>;
type Ids = z.output<typeof taskAndTagId>;
type Values = Ids & { userId: string };

/** The maximum of tags of a task (CONTRACT.md, "Tasks and tags"). A page of tasks contains all of their tags. */
const maxTags = 100;

/**
 * Starts both statements: selects the task and the tag with these ids, if they are the caller's.
 * @param isLocked whether the statement locks the task, so that the tags of one task are added one by one
 */
const withTaskAndTag = (
  db: Database,
  { task_id, tag_id, userId }: Values,
  { isLocked }: { isLocked: boolean },
) =>
  db
    .with("task", (query) =>
      query
        .selectFrom("tasks")
        .where("id", "=", task_id)
        .where("user_id", "=", userId)
        .selectAll()
        .$if(isLocked, (task) => task.forNoKeyUpdate()),
    )
    .with("tag", (query) =>
      query.selectFrom("tags").where("id", "=", tag_id).where("user_id", "=", userId).select("id"),
    );

/** Returns whether a part of the statement has a row. */
const hasRow = (name: "task" | "tag" | "accepted" | "linked") =>
  sql<boolean>`exists (select from ${sql.table(name)})`;

/** Returns the row of a statement that has exactly one. */
const onlyRow = <Row>([row]: readonly Row[]): Row => {
  if (row === undefined) throw new Error("The statement returned no row");
  return row;
};

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

const linkTag = compileOnce((db, values: Values) =>
  withTaskAndTag(db, values, { isLocked: true })
    // The function sees the links that were committed while the statement waited for the lock; a subquery would not.
    .with("accepted", (query) =>
      query
        .selectFrom(["task", "tag"])
        .where(sql<boolean>`accepts_tag(task.id, tag.id, ${maxTags})`)
        .select(["task.id as task_id", "tag.id as tag_id"]),
    )
    .with("linked", (query) =>
      query
        .insertInto("task_tag_link")
        .columns(["task_id", "tag_id"])
        .expression((eb) => eb.selectFrom("accepted").select(["task_id", "tag_id"]))
        .onConflict((conflict) => conflict.doNothing())
        .returning("task_id"),
    )
    .selectFrom(sql`(select 1)`.as("one"))
    .leftJoin("task as tasks", (join) => join.onTrue())
    .select([
      hasRow("task").as("hasTask"),
      hasRow("tag").as("hasTag"),
      hasRow("accepted").as("isAccepted"),
      hasRow("linked").as("isNew"),
    ])
    // A statement does not see the link that it inserts, so the tag is added to the result.
    .select((eb) => [...taskColumns(eb), tagsOf(eb, values.tag_id)]),
);

/**
 * Adds a tag to a task. If the task has it already, nothing changes, and the call is marked as unchanged.
 * @throws {AppError} TASK_NOT_FOUND, TAG_NOT_FOUND, VALIDATION_ERROR for a tag too many, INVALID_TOKEN if the user no
 * longer exists
 */
export const add = async (ctx: UserContext, ids: Ids): Promise<Task> => {
  const { hasTask, hasTag, isAccepted, isNew, ...row } = onlyRow(
    await linkTag(ctx.db, { ...ids, userId: ctx.user.id }),
  );
  await assertBothExist(ctx, { hasTask, hasTag });
  if (!isAccepted) {
    const detail = `tag_id cannot be added: a task has at most ${maxTags} tags`;
    throw new AppError("VALIDATION_ERROR", { field: "tag_id", detail });
  }
  if (!isNew) ctx.call.markUnchanged();
  // The task exists, so the left join returned its columns.
  return row as Task;
};

const unlinkTag = compileOnce((db, values: Values) =>
  withTaskAndTag(db, values, { isLocked: false })
    .with("unlinked", (query) =>
      query
        .deleteFrom("task_tag_link")
        .where("task_id", "in", (eb) => eb.selectFrom("task").select("id"))
        .where("tag_id", "in", (eb) => eb.selectFrom("tag").select("id")),
    )
    .selectNoFrom([hasRow("task").as("hasTask"), hasRow("tag").as("hasTag")]),
);

/**
 * Removes a tag from a task. If the task does not have it, nothing changes.
 * @throws {AppError} TASK_NOT_FOUND, TAG_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
export const remove = async (ctx: UserContext, ids: Ids): Promise<void> => {
  const row = onlyRow(await unlinkTag(ctx.db, { ...ids, userId: ctx.user.id }));
  await assertBothExist(ctx, row);
};
