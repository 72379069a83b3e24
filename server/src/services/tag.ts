import { tag, type tagId, type tagWrite } from "@taskwire/shared";
import type { z } from "zod";
import type { UserContext } from "./context.ts";
import { assertUserExists, orNotFound } from "./users.ts";

type Tag = z.output<typeof tag>;
type TagId = z.output<typeof tagId>;
type TagWrite = z.output<typeof tagWrite>;

/** The columns of a tag: the fields of its schema, so that none can be missing. */
export const tagColumns = tag.keyof().options.map((field) => `tags.${field}` as const);

/**
 * Creates a tag of the caller.
 * @throws {AppError} TAG_ALREADY_EXISTS, INVALID_TOKEN
 */
export const create = (ctx: UserContext, { name, color = null }: TagWrite): Promise<Tag> =>
  ctx.db
    .insertInto("tags")
    .values({ name, color, user_id: ctx.user.id })
    .returning(tagColumns)
    .executeTakeFirstOrThrow();

/**
 * Lists the caller's tags, the oldest first.
 * @throws {AppError} INVALID_TOKEN if the user no longer exists
 */
export const list = async (ctx: UserContext): Promise<Tag[]> => {
  const rows = await ctx.db
    .selectFrom("tags")
    .select(tagColumns)
    .where("user_id", "=", ctx.user.id)
    .orderBy("id")
    .execute();
  if (rows.length === 0) await assertUserExists(ctx);
  return rows;
};

/**
 * Replaces a tag's name and color. An absent color becomes null.
 * @throws {AppError} TAG_NOT_FOUND, TAG_ALREADY_EXISTS, INVALID_TOKEN if the user no longer exists
 */
export const update = async (
  ctx: UserContext,
  { tag_id, name, color = null }: TagId & TagWrite,
): Promise<Tag> => {
  const row = await ctx.db
    .updateTable("tags")
    .set({ name, color })
    .where("id", "=", tag_id)
    .where("user_id", "=", ctx.user.id)
    .returning(tagColumns)
    .executeTakeFirst();
  return orNotFound(ctx, row, "TAG_NOT_FOUND");
};

/**
 * Deletes a tag and its links to tasks.
 * @throws {AppError} TAG_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
export const remove = async (ctx: UserContext, { tag_id }: TagId): Promise<void> => {
  const row = await ctx.db
    .deleteFrom("tags")
    .where("id", "=", tag_id)
    .where("user_id", "=", ctx.user.id)
    .returning("id")
    .executeTakeFirst();
  await orNotFound(ctx, row, "TAG_NOT_FOUND");
};
