import { AppError } from "@taskwire/shared";
import { t } from "../init.ts";

/** Rejects a call from a page of a foreign origin with FORBIDDEN_ORIGIN (CONTRACT.md, "Errors"). */
export const origin = t.middleware(({ ctx, next }) => {
  if (ctx.call.foreignOrigin) throw new AppError("FORBIDDEN_ORIGIN");
  return next();
});
