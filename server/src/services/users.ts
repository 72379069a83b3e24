import { AppError, type ErrorCode } from "@taskwire/shared";
import type { UserContext } from "./context.ts";

/**
 * Checks that the caller still exists. A token outlives its user, and only an answer that comes out empty cannot
 * tell: so it is asked there, and not on every request.
 * @throws {AppError} INVALID_TOKEN
 */
export const assertUserExists = async (ctx: UserContext): Promise<void> => {
  const owner = await ctx.db
    .selectFrom("users")
    .select("id")
    .where("id", "=", ctx.user.id)
    .executeTakeFirst();
  if (owner === undefined) throw new AppError("INVALID_TOKEN");
};

/**
 * The row that a statement found, or the refusal where it found none.
 * @throws {AppError} the code, or INVALID_TOKEN when the user is no more
 */
export const found = async <Row>(
  ctx: UserContext,
  row: Row | undefined,
  code: ErrorCode,
): Promise<Row> => {
  if (row !== undefined) return row;
  await assertUserExists(ctx);
  throw new AppError(code);
};
