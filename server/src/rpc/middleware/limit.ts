import type { Limited } from "../../security/rate-limits.ts";
import { t } from "../init.ts";

/** Takes one point of the client address's rate limit, and rejects the call when none is left. */
export const limitBy = (limit: Limited) =>
  t.middleware(async ({ ctx, next }) => {
    await ctx.deps.rateLimits.consume(limit, ctx.call.address);
    return next();
  });
