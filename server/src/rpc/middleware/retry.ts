import { isConflict } from "../../db/failures.ts";
import { t } from "../init.ts";

/** How often a call is attempted whose statement PostgreSQL cancels in favour of another one. */
const maxAttempts = 4;

/**
 * Repeats a call after a deadlock or a serialization failure. Nothing has changed by then, because a service writes in
 * one statement or one transaction. Stops when the client has disconnected or the call's deadline has passed.
 */
export const retry = t.middleware(async ({ ctx, next }) => {
  let result = await next();
  for (let attempt = 1; !result.ok && isConflict(result.error.cause); attempt++) {
    if (attempt === maxAttempts || ctx.call.signal().aborted) break;
    result = await next();
  }
  return result;
});
