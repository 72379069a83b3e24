import type { Pool, PoolClient } from "pg";

/**
 * Ends connections whose packets get lost: TCP alone would wait a quarter of an hour, and the pool hands them out again.
 * One that is held so long without a word is taken for silent, and with it all that have been idle since before: nobody
 * heard from those since, so each would cost another call that long.
 * @param limit milliseconds that a connection may be held in silence; more than any statement's lock time-out
 */
export const closeDeadConnections = (pool: Pool, limit: number): void => {
  const held = new Map<PoolClient, NodeJS.Timeout>();
  const idle = new Map<PoolClient, number>();

  const end = (client: PoolClient): void => {
    // Not end(), which says goodbye first. With an error, the pool lets go of an idle one.
    const error = new Error(`PostgreSQL gave no answer within ${limit} ms`);
    client.connection.stream.destroy(Object.assign(error, { code: "ETIMEDOUT" }));
  };

  pool.on("connect", (client) => {
    client.connection.stream.on("data", () => held.get(client)?.refresh());
  });
  pool.on("acquire", (client) => {
    const since = performance.now();
    idle.delete(client);
    const timer = setTimeout(() => {
      end(client);
      for (const [other, released] of idle) if (released <= since) end(other);
    }, limit);
    held.set(client, timer);
  });
  pool.on("release", (_error, client) => {
    clearTimeout(held.get(client));
    held.delete(client);
    idle.set(client, performance.now());
  });
  pool.on("remove", (client) => void idle.delete(client));
};
