import { isConflict } from "../../db/failures.ts";
import type { Concern } from "./chain.ts";

/** Attempts for a call whose statement PostgreSQL cancels because of a conflict, the first one included. */
const maxAttempts = 4;

/**
 * Repeats a call after a deadlock or a serialization failure. The failed attempt has changed nothing, because a service
 * writes in one statement or one transaction. Stops when the client has disconnected or the call has timed out.
 */
export const retry: Concern = async ({ call }, next) => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await next();
    } catch (error) {
      const isRepeatable = error instanceof Error && isConflict(error.cause);
      if (!isRepeatable || attempt === maxAttempts || call.signal().aborted) throw error;
    }
  }
};
