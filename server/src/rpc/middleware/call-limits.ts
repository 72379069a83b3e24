import type { UserContext } from "../../services/context.ts";
import { t } from "../init.ts";

/** Counts each call against the limit of its client address, before its token is verified. */
export const limitCallsOfAddress = t.middleware(({ ctx, next }) => {
  ctx.deps.callLimits.consumeAddress(ctx.call.address);
  return next();
});

/** After `auth`: counts each call against the limit of its user. */
export const limitCallsOfUser = <Result>({
  ctx,
  next,
}: {
  ctx: Pick<UserContext, "deps" | "user">;
  next: () => Promise<Result>;
}): Promise<Result> => {
  ctx.deps.callLimits.consumeUser(ctx.user.id);
  return next();
};
