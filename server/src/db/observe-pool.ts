import type { Pool, PoolClient } from "pg";
import type { Orm } from "./orm.ts";

/** What is called around the use of a connection. */
export interface StatementObserver {
  /** A caller has a connection. @param seconds the time that it waited */
  acquired?: (seconds: number) => void;
  /** A statement is sent. Returns what is called at its end, with the error if it failed. */
  sent: (text: string) => ((error?: unknown) => void) | undefined;
}

/** pg's two functions as they are used here: each has six overloads, with callbacks too. */
type Send = (...args: unknown[]) => unknown;

/** Returns the function, extended so that `begin` sees its arguments, and the result of that its outcome. */
const observed = <Function extends object>(
  original: Function,
  begin: (args: readonly unknown[]) => ((error?: unknown) => void) | undefined,
): Function =>
  new Proxy(original, {
    apply: (target, self, args: unknown[]) => {
      const end = begin(args);
      // Safe: a proxy of a function only.
      const sent = Reflect.apply(target as Send, self, args);
      if (end !== undefined && sent instanceof Promise)
        sent.then(
          () => end(),
          (error: unknown) => end(error),
        );
      return sent;
    },
  });

/** Returns the pool of the calls' connections. */
export const poolOf = async ({ em }: Pick<Orm, "em">): Promise<Pool> =>
  em.getConnection().getNativeClient();

/**
 * Calls the observer for every connection and statement of the pool. Kysely's own log has neither the time that a caller
 * waits for a connection nor the moment at which a statement is sent, which a trace needs.
 */
export const observePool = (pool: Pool, { acquired, sent }: StatementObserver): void => {
  if (acquired !== undefined)
    pool.connect = observed(pool.connect, () => {
      const startedAt = performance.now();
      return (error) => {
        if (error === undefined) acquired((performance.now() - startedAt) / 1000);
      };
    });
  const observedClients = new WeakSet<PoolClient>();
  // On "acquire" instead of "connect", so that connections which are open already are observed too.
  pool.on("acquire", (client) => {
    if (observedClients.has(client)) return;
    observedClients.add(client);
    client.query = observed(client.query, ([text]) =>
      typeof text === "string" ? sent(text) : undefined,
    );
  });
};
