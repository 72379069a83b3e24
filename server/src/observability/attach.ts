import { createRequire } from "node:module";
import type { Pool } from "pg";
import { observePool, poolOf } from "../db/observe-pool.ts";
import type { Orm } from "../db/orm.ts";
import type { CheckDatabase } from "../db/readiness.ts";
import type { PasswordHashing } from "../security/password-hashing.ts";
import type { Redis } from "../security/redis.ts";
import type { Metrics } from "./metrics.ts";
import { measureProcess } from "./process-metrics.ts";

/** The parts of the server that metrics read at each scrape. */
export interface Sources {
  orm: Orm;
  passwords: Pick<PasswordHashing, "slots">;
  redis: Pick<Redis, "usable"> | undefined;
  checkDatabase: CheckDatabase;
  /** Seconds since the last successful poll for revoked sessions. */
  revocationLag: () => number;
}

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

const readPool = ({ beforeScrape }: Metrics, pool: Pool): void => {
  beforeScrape((gauges) => {
    const { totalCount, idleCount, waitingCount, options } = pool;
    gauges.db_client_connections_usage.set({ state: "used" }, totalCount - idleCount);
    gauges.db_client_connections_usage.set({ state: "idle" }, idleCount);
    gauges.db_client_connections_max.set(options.max);
    gauges.db_client_connections_pending_requests.set(waitingCount);
  });
};

/** Measures the process, the database's connections and the state of the server's parts. @returns what stops it */
export const attachMetrics = async (metrics: Metrics, sources: Sources): Promise<() => void> => {
  const { orm, passwords, redis, checkDatabase, revocationLag } = sources;
  const pool = await poolOf(orm);
  observePool(pool, metrics.statements);
  readPool(metrics, pool);
  metrics.beforeScrape(async (gauges) => {
    const slots = passwords.slots();
    gauges.taskwire_hash_slots_used.set(slots.used);
    gauges.taskwire_hash_slots_max.set(slots.max);
    gauges.taskwire_hash_queue_length.set(slots.queued);
    if (redis !== undefined) gauges.taskwire_redis_up.set(redis.usable ? 1 : 0);
    gauges.taskwire_revocation_lag_seconds.set(revocationLag());
    gauges.taskwire_build_info.set({ version, node_version: process.version }, 1);
    const pending = await checkDatabase().catch(() => undefined);
    if (pending === undefined) gauges.taskwire_pending_migrations.remove();
    else gauges.taskwire_pending_migrations.set(pending.length);
  });
  return measureProcess(metrics);
};
