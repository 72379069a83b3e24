import type { Pool, PoolClient } from "pg";

/**
 * Closes connections whose packets get lost: TCP alone notices after 15 minutes, and until then the pool reuses them.
 * A connection that receives nothing for `limit` while in use is dead. So are probably all that have been idle since
 * before it was acquired: they are closed with it, or each would cost another call the same time.
 *
 * pg's own `query_timeout` was tried: after the time-out the pool hands out the same dead connection again, so that
 * 8 of 8 calls in a row timed out, although new connections would have worked.
 * @param limit milliseconds without data while in use; more than the lock time-out of a statement
 */
export const closeDeadConnections = (pool: Pool, limit: number): void => {
  const inUse = new Map<PoolClient, NodeJS.Timeout>();
  const idleSince = new Map<PoolClient, number>();

  const close = (client: PoolClient): void => {
    // Not client.end(), which first sends a message. The error makes the pool remove an idle connection.
    const error = new Error(`PostgreSQL did not answer within ${limit} ms`);
    client.connection.stream.destroy(Object.assign(error, { code: "ETIMEDOUT" }));
  };

  pool.on("connect", (client) => {
    client.connection.stream.on("data", () => inUse.get(client)?.refresh());
  });
  pool.on("acquire", (client) => {
    const acquiredAt = performance.now();
    idleSince.delete(client);
    const timer = setTimeout(() => {
      close(client);
      for (const [other, since] of idleSince) if (since <= acquiredAt) close(other);
    }, limit);
    inUse.set(client, timer);
  });
  pool.on("release", (_error, client) => {
    clearTimeout(inUse.get(client));
    inUse.delete(client);
    idleSince.set(client, performance.now());
  });
  pool.on("remove", (client) => void idleSince.delete(client));
};
