import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { serveDocument } from "./other-methods.ts";

/** Seconds after which a client may ask again. */
const retryAfter = "1";

interface Checks {
  database?: "ok" | "unavailable";
  migrations?: "ok" | "pending" | "unknown";
  /** Absent without REDIS_URL. */
  redis?: "ok" | "unavailable";
  draining: boolean;
}

interface Readiness {
  status: "ready" | "degraded" | "draining" | "unavailable";
  checks: Checks;
}

/** Runs the checks. Names no address and no reason: anyone may read the result. */
const readinessOf = async ({ checkDatabase, draining, redis }: Deps): Promise<Readiness> => {
  // Without other checks: a load balancer must learn it at once.
  if (draining.signal.aborted) return { status: "draining", checks: { draining: true } };
  const pending = await checkDatabase().catch(() => undefined);
  const checks: Checks = { database: "ok", migrations: "ok", draining: draining.signal.aborted };
  if (redis !== undefined) checks.redis = redis.usable ? "ok" : "unavailable";
  if (pending === undefined)
    Object.assign(checks, { database: "unavailable", migrations: "unknown" });
  else if (pending.length > 0) checks.migrations = "pending";
  if (checks.draining) return { status: "draining", checks };
  if (checks.migrations !== "ok") return { status: "unavailable", checks };
  return { status: redis?.usable === false ? "degraded" : "ready", checks };
};

/**
 * Serves /health and /health/live, which succeed while the event loop runs and check nothing else, and /health/ready: 503
 * while the process drains, or without the database and all migrations. Without Redis the server works: 200 "degraded".
 */
export const registerHealth = (app: FastifyInstance, deps: Deps): void => {
  const healthy = () => ({ status: "healthy" });
  serveDocument(app, "/health", healthy);
  serveDocument(app, "/health/live", healthy);
  serveDocument(app, "/health/ready", async (_request, reply) => {
    const readiness = await readinessOf(deps);
    if (readiness.status === "draining" || readiness.status === "unavailable")
      reply.code(503).header("Retry-After", retryAfter);
    return readiness;
  });
};
