import { t } from "../init.ts";

/** Rejects a caller without a valid access token, and provides `ctx.user`. */
export const auth = t.middleware(async ({ ctx, next }) =>
  next({ ctx: { user: await ctx.call.identify() } }),
);
