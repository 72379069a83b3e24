import type { Pool, PoolClient } from "pg";

/** A connection's state. Changed and not replaced, because every statement changes it several times. */
interface Connection {
  isInUse: boolean;
  /** When it was last acquired, by `performance.now()`. */
  acquiredAt: number;
  /** When it was acquired, received data, or was released: whichever came last. */
  activeAt: number;
}

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
  const connections = new Map<PoolClient, Connection>();
  /** One for all connections: a timer for each use would cost as much as the rest of this file. */
  let timer: NodeJS.Timeout | undefined;

  const close = (client: PoolClient, connection: Connection): void => {
    connection.isInUse = false;
    // Not client.end(), which first sends a message. The error makes the pool remove an idle connection.
    const error = new Error(`PostgreSQL did not answer within ${limit} ms`);
    client.connection.stream.destroy(Object.assign(error, { code: "ETIMEDOUT" }));
  };

  const schedule = (delay: number): void => {
    timer = setTimeout(check, Math.ceil(delay)).unref();
  };
  const check = (): void => {
    timer = undefined;
    const now = performance.now();
    for (const [client, connection] of connections) {
      const { isInUse, acquiredAt, activeAt } = connection;
      if (!isInUse || activeAt + limit > now) continue;
      close(client, connection);
      for (const [other, state] of connections)
        if (!state.isInUse && state.activeAt <= acquiredAt) close(other, state);
    }
    const active = [...connections.values()].filter(({ isInUse }) => isInUse);
    if (active.length > 0)
      schedule(Math.min(...active.map(({ activeAt }) => activeAt)) + limit - now);
  };

  pool.on("connect", (client) => {
    const connection: Connection = { isInUse: false, acquiredAt: 0, activeAt: performance.now() };
    connections.set(client, connection);
    client.connection.stream.on("data", () => {
      if (connection.isInUse) connection.activeAt = performance.now();
    });
  });
  pool.on("acquire", (client) => {
    const connection = connections.get(client);
    if (connection === undefined) return;
    connection.isInUse = true;
    connection.acquiredAt = connection.activeAt = performance.now();
    if (timer === undefined) schedule(limit);
  });
  pool.on("release", (_error, client) => {
    const connection = connections.get(client);
    if (connection === undefined) return;
    connection.isInUse = false;
    connection.activeAt = performance.now();
  });
  pool.on("remove", (client) => void connections.delete(client));
};
