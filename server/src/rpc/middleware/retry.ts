import { isConflict } from "../../db/failures.ts";
import { t } from "../init.ts";

/** Attempts for a call whose statement PostgreSQL cancels because of a conflict, the first one included. */
const maxAttempts = 4;

/**
 * Repeats a call after a deadlock or a serialization failure. The failed attempt has changed nothing, because a service
 * writes in one statement or one transaction. Stops when the client has disconnected or the call has timed out.
 */
export const retry = t.middleware(async ({ ctx, next }) => {
  let result = await next();
  for (let attempt = 1; !result.ok && isConflict(result.error.cause); attempt++) {
    if (attempt === maxAttempts || ctx.call.signal().aborted) break;
    result = await next();
  }
  return result;
});
