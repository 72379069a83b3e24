import type { FastifyInstance } from "fastify";
import { pendingMigrations } from "../db/migrator.ts";
import { withTimeout } from "../timeout.ts";
import type { Deps } from "../deps.ts";
import { serviceUnavailable } from "../errors.ts";
import { serveDocument } from "./other-methods.ts";

/** Milliseconds, so that a load balancer has its response before its own time-out. */
const maxCheckTime = 1000;

/**
 * Serves /health and /health/live, which succeed while the event loop runs, and /health/ready, which also requires the
 * database with all migrations. Without Redis the server works, but /health/ready says "degraded".
 */
export const registerHealth = (app: FastifyInstance, { orm, redis }: Deps): void => {
  const healthy = () => ({ status: "healthy" });
  serveDocument(app, "/health", healthy);
  serveDocument(app, "/health/live", healthy);
  serveDocument(app, "/health/ready", async () => {
    let pending: string[] | undefined;
    try {
      pending = await withTimeout(maxCheckTime, () => pendingMigrations(orm));
    } catch (cause) {
      throw serviceUnavailable(cause);
    }
    if (pending?.length !== 0) throw serviceUnavailable(pending);
    return { status: redis?.usable === false ? "degraded" : "ready" };
  });
};
