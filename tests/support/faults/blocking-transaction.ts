import type { Orm } from "@taskwire/server/db/orm.ts";

/** A statement with `?` for each value, and the values. */
export type Sql = [text: string, ...values: unknown[]];

// PostgreSQL sends no event when a session begins to wait. Each poll is a round trip; ten thousand take seconds.
const maxPolls = 10_000;

/**
 * Runs a call while a concurrent transaction blocks it: opens the transaction, runs its first statement, starts the call,
 * waits until the call waits for a lock, and then ends the transaction. Needs PostgreSQL: PGlite has one connection.
 * @param first the statement that takes the lock
 * @param next how the transaction ends: undefined commits, a statement runs and then commits, "rollback" rolls back
 * @returns the call's result
 */
export const withBlockingTransaction = async <Result>(
  orm: Orm,
  [first, ...values]: Sql,
  call: () => Promise<Result>,
  next?: Sql | "rollback",
): Promise<Result> => {
  const em = orm.em.fork();
  await em.begin();
  let result: Promise<Result>;
  try {
    // In a deadlock, PostgreSQL then cancels the call's statement and not this one: the call has to retry.
    await em.execute("set local deadlock_timeout = '1min'");
    await em.execute(first, values);
    result = call();
    let waiting: unknown[] = [];
    for (let polls = 0; waiting.length === 0; polls++) {
      if (polls === maxPolls) throw new Error("The call does not wait for the transaction");
      waiting = await em.execute(
        "select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))",
      );
    }
    if (Array.isArray(next)) await em.execute(next[0], next.slice(1));
  } catch (error) {
    await em.rollback();
    throw error;
  }
  await (next === "rollback" ? em.rollback() : em.commit());
  return result;
};
