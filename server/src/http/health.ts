import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { serviceUnavailable } from "../errors.ts";
import { serveDocument } from "./other-methods.ts";

/**
 * Serves /health and /health/live, which succeed while the event loop runs, and /health/ready, which also requires the
 * database with all migrations. Without Redis the server works, but /health/ready says "degraded".
 */
export const registerHealth = (app: FastifyInstance, { checkDatabase, redis }: Deps): void => {
  const healthy = () => ({ status: "healthy" });
  serveDocument(app, "/health", healthy);
  serveDocument(app, "/health/live", healthy);
  serveDocument(app, "/health/ready", async () => {
    const pending = await checkDatabase().catch((cause: unknown) => {
      throw serviceUnavailable(cause);
    });
    if (pending.length > 0) throw serviceUnavailable(pending);
    return { status: redis?.usable === false ? "degraded" : "ready" };
  });
};
