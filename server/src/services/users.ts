import { AppError, type ErrorCode } from "@taskwire/shared";
import type { UserContext } from "./context.ts";

/**
 * Rejects a call whose user has been deleted: the access token is still valid then. Only needed where a result is empty,
 * because any row of the user proves that the user exists.
 * @throws {AppError} INVALID_TOKEN
 */
export const assertUserExists = async (ctx: UserContext): Promise<void> => {
  const user = await ctx.db
    .selectFrom("users")
    .select("id")
    .where("id", "=", ctx.user.id)
    .executeTakeFirst();
  if (user === undefined) throw new AppError("INVALID_TOKEN");
};

/**
 * Returns the row of a statement, or rejects the call if there is none.
 * @throws {AppError} the given code, or INVALID_TOKEN if the user no longer exists
 */
export const orNotFound = async <Row>(
  ctx: UserContext,
  row: Row | undefined,
  code: ErrorCode,
): Promise<Row> => {
  if (row !== undefined) return row;
  await assertUserExists(ctx);
  throw new AppError(code);
};
