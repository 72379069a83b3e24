import type { UserContext } from "../../services/context.ts";
import { t } from "../init.ts";

/** Takes one point from the rate limit of the client's address. Rejects with RATE_LIMIT_EXCEEDED if none is left. */
export const limitBy = (limit: "register" | "login") =>
  t.middleware(async ({ ctx, next }) => {
    await ctx.deps.rateLimits.consume(limit, ctx.call.address);
    return next();
  });

/** After `auth`: takes a point of the user and one of the address for a call that hashes a password. */
export const limitPasswords = async <Result>({
  ctx: { deps, call, user },
  next,
}: {
  ctx: Pick<UserContext, "deps" | "call" | "user">;
  next: () => Promise<Result>;
}): Promise<Result> => {
  await deps.rateLimits.consumePassword(user.id, call.address);
  return next();
};
