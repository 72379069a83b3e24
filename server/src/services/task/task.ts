import {
  type task,
  type taskCreate,
  type taskId,
  taskPatch,
  type taskReplace,
} from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import { compileForColumns, compileOnce } from "../../db/compile.ts";
import type { UserContext } from "../context.ts";
import { orNotFound } from "../users.ts";
import { assertRecurrenceRule } from "./recurrence.ts";
import { taskColumns, taskWithTags } from "./row.ts";

type Task = z.output<typeof task>;
type TaskId = z.output<typeof taskId>;
type Fields = z.output<typeof taskPatch>;
type UserId = { userId: string };

const fieldNames = taskPatch.keyof().options;

/** Returns the names of the given fields, in the order of the schema. */
const namesOf = (fields: Fields) => fieldNames.filter((field) => fields[field] !== undefined);

/** Later than before with every change, even with two in one millisecond. */
const nextUpdatedAt = sql<string>`greatest(now(), updated_at + interval '1 millisecond')`;

const insertTask = compileForColumns<Fields, UserId, Omit<Task, "tags">>((db, values, columns) =>
  db
    .insertInto("tasks")
    .columns([...columns, "user_id"])
    .expression((eb) =>
      eb
        .selectFrom("users")
        .where("users.id", "=", values.userId)
        .select([...columns.map((column) => eb.val(values[column]).as(column)), "users.id"]),
    )
    .returning(taskColumns),
);

/**
 * Creates a task of the caller. If the user was deleted, the statement inserts no row, and so takes no id.
 * @throws {AppError} INVALID_RECURRENCE_RULE, INVALID_TOKEN if the user no longer exists
 */
export const create = async (
  ctx: UserContext,
  input: z.output<typeof taskCreate>,
): Promise<Task> => {
  assertRecurrenceRule(input.recurrence_rule);
  // An absent field has the default of its column.
  const [row] = await insertTask(ctx.db, { ...input, userId: ctx.user.id }, namesOf(input));
  return { ...(await orNotFound(ctx, row, "INVALID_TOKEN")), tags: [] };
};

const readTask = compileOnce((db, { task_id, userId }: TaskId & UserId) =>
  db
    .selectFrom("tasks")
    .select(taskWithTags)
    .where("id", "=", task_id)
    .where("user_id", "=", userId),
);

/**
 * Returns one task of the caller.
 * @throws {AppError} TASK_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
export const get = async (ctx: UserContext, { task_id }: TaskId): Promise<Task> => {
  const [row] = await readTask(ctx.db, { task_id, userId: ctx.user.id });
  return orNotFound(ctx, row, "TASK_NOT_FOUND");
};

const updateTask = compileForColumns<Fields, TaskId & UserId, Task>((db, values, columns) =>
  columns
    .reduce(
      (query, column) => query.set(column, values[column]),
      db.updateTable("tasks").set({ updated_at: nextUpdatedAt }),
    )
    .where("id", "=", values.task_id)
    .where("user_id", "=", values.userId)
    .returning(taskWithTags),
);

const change = async (ctx: UserContext, task_id: number, fields: Fields): Promise<Task> => {
  assertRecurrenceRule(fields.recurrence_rule);
  const values = { ...fields, task_id, userId: ctx.user.id };
  const [row] = await updateTask(ctx.db, values, namesOf(fields));
  return orNotFound(ctx, row, "TASK_NOT_FOUND");
};

/**
 * Replaces a task's fields. Absent optional fields become null (CONTRACT.md, "Tasks and tags").
 * @throws {AppError} TASK_NOT_FOUND, INVALID_RECURRENCE_RULE, INVALID_TOKEN if the user no longer exists
 */
export const update = (
  ctx: UserContext,
  {
    task_id,
    description = null,
    due_date = null,
    recurrence_rule = null,
    ...required
  }: TaskId & z.output<typeof taskReplace>,
): Promise<Task> => change(ctx, task_id, { ...required, description, due_date, recurrence_rule });

/**
 * Changes the given fields of a task only. Without any field, it returns the task unchanged.
 * @throws {AppError} TASK_NOT_FOUND, INVALID_RECURRENCE_RULE, INVALID_TOKEN if the user no longer exists
 */
export const patch = (
  ctx: UserContext,
  { task_id, ...fields }: TaskId & z.output<typeof taskPatch>,
): Promise<Task> =>
  Object.values(fields).every((value) => value === undefined)
    ? get(ctx, { task_id })
    : change(ctx, task_id, fields);

const deleteTask = compileOnce((db, { task_id, userId }: TaskId & UserId) =>
  db.deleteFrom("tasks").where("id", "=", task_id).where("user_id", "=", userId).returning("id"),
);

/**
 * Deletes a task and its links to tags.
 * @throws {AppError} TASK_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
export const remove = async (ctx: UserContext, { task_id }: TaskId): Promise<void> => {
  const [row] = await deleteTask(ctx.db, { task_id, userId: ctx.user.id });
  await orNotFound(ctx, row, "TASK_NOT_FOUND");
};
