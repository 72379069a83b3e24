import { t } from "../init.ts";

/** Identifies the caller by the access token, and provides `ctx.user`. */
export const auth = t.middleware(async ({ ctx, next }) =>
  next({ ctx: { user: await ctx.call.identify() } }),
);
