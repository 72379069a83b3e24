import type { Limited } from "../../security/rate-limits.ts";
import { t } from "../init.ts";

/** Takes one point from the rate limit of the client's address. Rejects with RATE_LIMIT_EXCEEDED if none is left. */
export const limitBy = (limit: Limited) =>
  t.middleware(async ({ ctx, next }) => {
    await ctx.deps.rateLimits.consume(limit, ctx.call.address);
    return next();
  });
