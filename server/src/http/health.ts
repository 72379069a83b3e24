import type { FastifyInstance } from "fastify";
import { pendingMigrations } from "../db/migrator.ts";
import { withTimeout } from "../timeout.ts";
import type { Deps } from "../deps.ts";
import { serviceUnavailable } from "../errors.ts";

/** Milliseconds: who asks whether to send requests here does not wait long for the answer. */
const maxCheckTime = 1000;

/**
 * /health and /health/live answer while the event loop does; /health/ready asks the database too, and says whether Redis
 * is there, which the server can do without.
 */
export const registerHealth = (app: FastifyInstance, { orm, redis }: Deps): void => {
  const alive = () => ({ status: "healthy" });
  app.get("/health", alive);
  app.get("/health/live", alive);
  app.get("/health/ready", async () => {
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
