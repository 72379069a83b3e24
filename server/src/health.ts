import { AppError } from "@taskwire/shared";
import type { FastifyInstance } from "fastify";
import { pendingMigrations } from "./db/migrator.ts";
import type { Deps } from "./deps.ts";

/**
 * /health and /health/live answer while the event loop does; /health/ready asks the database too, and says whether Redis
 * is there, which the server can do without.
 */
export const registerHealth = (app: FastifyInstance, { orm, redis }: Deps): void => {
  const alive = () => ({ status: "healthy" });
  app.get("/health", alive);
  app.get("/health/live", alive);
  app.get("/health/ready", async () => {
    let pending: string[];
    try {
      pending = await pendingMigrations(orm);
    } catch (cause) {
      throw new AppError("SERVICE_UNAVAILABLE", { retryAfter: 1, cause });
    }
    if (pending.length > 0) throw new AppError("SERVICE_UNAVAILABLE", { retryAfter: 1 });
    return { status: redis?.usable === false ? "degraded" : "ready" };
  });
};
