import type { FastifyInstance } from "fastify";
import { pendingMigrations } from "./db/migrator.ts";
import { within } from "./deadline.ts";
import type { Deps } from "./deps.ts";
import { putOff } from "./rpc/translate.ts";

/** Milliseconds: who asks whether to send requests here does not wait long for the answer. */
const longestCheck = 1000;

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
      pending = await within(longestCheck, () => pendingMigrations(orm));
    } catch (cause) {
      throw putOff(cause);
    }
    if (pending?.length !== 0) throw putOff(pending);
    return { status: redis?.usable === false ? "degraded" : "ready" };
  });
};
