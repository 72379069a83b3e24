import { AppError, tag, type tagId, type tagWrite } from "@taskwire/shared";
import type { z } from "zod";
import { compileOnce } from "../db/compile.ts";
import type { UserContext } from "./context.ts";
import { assertUserExists, orNotFound } from "./users.ts";

type Tag = z.output<typeof tag>;
type TagId = z.output<typeof tagId>;
type TagWrite = z.output<typeof tagWrite>;
type UserId = { userId: string };

/** The columns of a tag: the fields of its schema, so that none can be missing. */
export const tagColumns = tag.keyof().options.map((field) => `tags.${field}` as const);

const insertTag = compileOnce((db, { name, color, userId }: Required<TagWrite> & UserId) =>
  db
    .insertInto("tags")
    .columns(["name", "color", "user_id"])
    .expression((eb) =>
      eb
        .selectFrom("users")
        .where("users.id", "=", userId)
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom("tags").where("tags.name", "=", name).whereRef("user_id", "=", "users.id"),
            ),
          ),
        )
        .select([eb.val(name).as("name"), eb.val(color).as("color"), "users.id"]),
    )
    .returning(tagColumns),
);

/**
 * Creates a tag of the caller. A rejected call takes no id: the statement inserts no row if the name is taken or the user
 * was deleted. Only a call that loses a race for the name takes one, because PostgreSQL assigns it before it waits.
 * @throws {AppError} TAG_ALREADY_EXISTS, INVALID_TOKEN if the user no longer exists
 */
export const create = async (ctx: UserContext, { name, color = null }: TagWrite): Promise<Tag> => {
  const [row] = await insertTag(ctx.db, { name, color, userId: ctx.user.id });
  if (row !== undefined) return row;
  await assertUserExists(ctx);
  throw new AppError("TAG_ALREADY_EXISTS", { field: "name" });
};

const readTags = compileOnce((db, { id }: { id: string }) =>
  db.selectFrom("tags").select(tagColumns).where("user_id", "=", id).orderBy("id"),
);

/**
 * Lists the caller's tags, the oldest first.
 * @throws {AppError} INVALID_TOKEN if the user no longer exists
 */
export const list = async (ctx: UserContext): Promise<Tag[]> => {
  const rows = await readTags(ctx.db, ctx.user);
  if (rows.length === 0) await assertUserExists(ctx);
  return rows;
};

const updateTag = compileOnce(
  (db, { tag_id, name, color, userId }: TagId & Required<TagWrite> & UserId) =>
    db
      .updateTable("tags")
      .set({ name, color })
      .where("id", "=", tag_id)
      .where("user_id", "=", userId)
      .returning(tagColumns),
);

/**
 * Replaces a tag's name and color. An absent color becomes null.
 * @throws {AppError} TAG_NOT_FOUND, TAG_ALREADY_EXISTS, INVALID_TOKEN if the user no longer exists
 */
export const update = async (
  ctx: UserContext,
  { tag_id, name, color = null }: TagId & TagWrite,
): Promise<Tag> => {
  const [row] = await updateTag(ctx.db, { tag_id, name, color, userId: ctx.user.id });
  return orNotFound(ctx, row, "TAG_NOT_FOUND");
};

const deleteTag = compileOnce((db, { tag_id, userId }: TagId & UserId) =>
  db.deleteFrom("tags").where("id", "=", tag_id).where("user_id", "=", userId).returning("id"),
);

/**
 * Deletes a tag and its links to tasks.
 * @throws {AppError} TAG_NOT_FOUND, INVALID_TOKEN if the user no longer exists
 */
export const remove = async (ctx: UserContext, { tag_id }: TagId): Promise<void> => {
  const [row] = await deleteTag(ctx.db, { tag_id, userId: ctx.user.id });
  await orNotFound(ctx, row, "TAG_NOT_FOUND");
};
