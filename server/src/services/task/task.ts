import type { task, taskCreate, taskId, taskPatch, taskReplace } from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import type { UserContext } from "../context.ts";
import { found } from "../users.ts";
import { assertRecurrenceRule } from "./recurrence.ts";
import { taskColumns, taskWithTags } from "./row.ts";

type Task = z.output<typeof task>;
type TaskId = z.output<typeof taskId>;

/** Moves with every change, also with two in one millisecond. */
const moved = sql<string>`greatest(now(), updated_at + interval '1 millisecond')`;

/**
 * Makes a task of the caller's.
 * @throws {AppError} INVALID_RECURRENCE_RULE, INVALID_TOKEN
 */
export const create = async (
  ctx: UserContext,
  input: z.output<typeof taskCreate>,
): Promise<Task> => {
  assertRecurrenceRule(input.recurrence_rule);
  const row = await ctx.db
    .insertInto("tasks")
    .values({ ...input, user_id: ctx.user.id })
    .returning(taskColumns)
    .executeTakeFirstOrThrow();
  return { ...row, tags: [] };
};

/**
 * One task of the caller's.
 * @throws {AppError} TASK_NOT_FOUND
 */
export const get = async (ctx: UserContext, { task_id }: TaskId): Promise<Task> => {
  const row = await ctx.db
    .selectFrom("tasks")
    .select(taskWithTags)
    .where("id", "=", task_id)
    .where("user_id", "=", ctx.user.id)
    .executeTakeFirst();
  return found(ctx, row, "TASK_NOT_FOUND");
};

const change = async (
  ctx: UserContext,
  task_id: number,
  fields: z.output<typeof taskPatch>,
): Promise<Task> => {
  assertRecurrenceRule(fields.recurrence_rule);
  const row = await ctx.db
    .updateTable("tasks")
    .set({ ...fields, updated_at: moved })
    .where("id", "=", task_id)
    .where("user_id", "=", ctx.user.id)
    .returning(taskWithTags)
    .executeTakeFirst();
  return found(ctx, row, "TASK_NOT_FOUND");
};

/**
 * Replaces a task's fields: what is absent becomes null (CONTRACT.md, "Tasks and tags").
 * @throws {AppError} TASK_NOT_FOUND, INVALID_RECURRENCE_RULE
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
 * Changes the given fields only; without any, nothing changes.
 * @throws {AppError} TASK_NOT_FOUND, INVALID_RECURRENCE_RULE
 */
export const patch = (
  ctx: UserContext,
  { task_id, ...fields }: TaskId & z.output<typeof taskPatch>,
): Promise<Task> =>
  Object.values(fields).every((value) => value === undefined)
    ? get(ctx, { task_id })
    : change(ctx, task_id, fields);

/**
 * Removes a task and its links to tags.
 * @throws {AppError} TASK_NOT_FOUND
 */
export const remove = async (ctx: UserContext, { task_id }: TaskId): Promise<void> => {
  const row = await ctx.db
    .deleteFrom("tasks")
    .where("id", "=", task_id)
    .where("user_id", "=", ctx.user.id)
    .returning("id")
    .executeTakeFirst();
  await found(ctx, row, "TASK_NOT_FOUND");
};
