import type { tag, tagId, tagWrite } from "@taskwire/shared";
import type { z } from "zod";
import type { UserContext } from "./context.ts";
import { assertUserExists, found } from "./users.ts";

type Tag = z.output<typeof tag>;
type TagId = z.output<typeof tagId>;
type TagWrite = z.output<typeof tagWrite>;

const columns = ["id", "name", "color", "user_id"] as const;

/**
 * Makes a tag of the caller's.
 * @throws {AppError} TAG_ALREADY_EXISTS, INVALID_TOKEN
 */
export const create = (ctx: UserContext, { name, color = null }: TagWrite): Promise<Tag> =>
  ctx.db
    .insertInto("tags")
    .values({ name, color, user_id: ctx.user.id })
    .returning(columns)
    .executeTakeFirstOrThrow();

/** All of the caller's tags, oldest first. */
export const list = async (ctx: UserContext): Promise<Tag[]> => {
  const rows = await ctx.db
    .selectFrom("tags")
    .select(columns)
    .where("user_id", "=", ctx.user.id)
    .orderBy("id")
    .execute();
  if (rows.length === 0) await assertUserExists(ctx);
  return rows;
};

/**
 * Replaces a tag's name and color; an absent color becomes null.
 * @throws {AppError} TAG_NOT_FOUND, TAG_ALREADY_EXISTS
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
    .returning(columns)
    .executeTakeFirst();
  return found(ctx, row, "TAG_NOT_FOUND");
};

/**
 * Removes a tag, and its links from tasks.
 * @throws {AppError} TAG_NOT_FOUND
 */
export const remove = async (ctx: UserContext, { tag_id }: TagId): Promise<void> => {
  const row = await ctx.db
    .deleteFrom("tags")
    .where("id", "=", tag_id)
    .where("user_id", "=", ctx.user.id)
    .returning("id")
    .executeTakeFirst();
  await found(ctx, row, "TAG_NOT_FOUND");
};
