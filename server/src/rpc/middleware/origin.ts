import { AppError } from "@taskwire/shared";
import { t } from "../init.ts";

/** Rejects a call that a page of a foreign origin makes (CONTRACT.md, FORBIDDEN_ORIGIN). */
export const origin = t.middleware(({ ctx, next }) => {
  if (ctx.call.foreignOrigin) throw new AppError("FORBIDDEN_ORIGIN");
  return next();
});
