import type { Orm } from "@taskwire/server/db/orm.ts";

/** A statement, with ? for its values. */
export type Sql = [text: string, ...values: unknown[]];

// Nothing tells when another session begins to wait; each look is a round trip, and ten thousand take seconds.
const maxPolls = 10_000;

/**
 * Runs a call against a transaction that is in its way: the transaction has run its first statement when the call starts,
 * and goes on when the call waits for it. Only PostgreSQL has a second connection to do so.
 * @param next what the transaction does then, before it commits; "rollback" takes all back instead
 */
export const withBlockingTransaction = async <Answer>(
  orm: Orm,
  [held, ...values]: Sql,
  call: () => Promise<Answer>,
  next?: Sql | "rollback",
): Promise<Answer> => {
  const em = orm.em.fork();
  await em.begin();
  let answer: Promise<Answer>;
  try {
    // Were it given up itself in a deadlock, the call would have nothing to try again.
    await em.execute("set local deadlock_timeout = '1min'");
    await em.execute(held, values);
    answer = call();
    let waiting: unknown[] = [];
    for (let looks = 0; waiting.length === 0; looks++) {
      if (looks === maxPolls) throw new Error("The call does not wait for the transaction");
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
  return answer;
};
