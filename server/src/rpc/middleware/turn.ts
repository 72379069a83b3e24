import type { UserContext } from "../../services/context.ts";

/**
 * After `auth`: lets a few calls of one user run at once. Further ones wait in order, so that one user's slow calls leave
 * a connection to the database for other users. A call that waits leaves when its signal aborts.
 */
export const inTurn = <Result>({
  ctx: { deps, call, user },
  next,
}: {
  ctx: Pick<UserContext, "deps" | "call" | "user">;
  next: () => Promise<Result>;
}): Promise<Result> => deps.calls.run(user.id, next, call.signal);
