import type { Pool, PoolClient } from "pg";

/** When a connection was acquired, and last received data, by `performance.now()`. */
interface Use {
  acquiredAt: number;
  heardAt: number;
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
  const inUse = new Map<PoolClient, Use>();
  const idleSince = new Map<PoolClient, number>();
  /** One for all connections: a timer for each use would cost as much as the rest of this file. */
  let timer: NodeJS.Timeout | undefined;

  const close = (client: PoolClient): void => {
    inUse.delete(client);
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
    for (const [client, { acquiredAt, heardAt }] of inUse) {
      if (heardAt + limit > now) continue;
      close(client);
      for (const [other, since] of idleSince) if (since <= acquiredAt) close(other);
    }
    const heard = Array.from(inUse.values(), ({ heardAt }) => heardAt);
    if (heard.length > 0) schedule(Math.min(...heard) + limit - now);
  };

  pool.on("connect", (client) => {
    client.connection.stream.on("data", () => {
      const use = inUse.get(client);
      if (use !== undefined) use.heardAt = performance.now();
    });
  });
  pool.on("acquire", (client) => {
    const now = performance.now();
    idleSince.delete(client);
    inUse.set(client, { acquiredAt: now, heardAt: now });
    if (timer === undefined) schedule(limit);
  });
  pool.on("release", (_error, client) => {
    inUse.delete(client);
    idleSince.set(client, performance.now());
  });
  pool.on("remove", (client) => void idleSince.delete(client));
};
