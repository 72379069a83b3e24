import { afterAuth } from "./chain.ts";

/**
 * Lets a few calls of one user run at once. Further ones wait in order, so that one user's slow calls leave a connection
 * to the database for other users. A call that waits leaves when its signal aborts.
 */
export const inTurn = afterAuth(({ deps, call, user }, next) =>
  deps.calls.run(user.id, next, call.signal),
);
