import { AppError } from "@taskwire/shared";
import type { FastifyInstance, HTTPMethods, RouteHandlerMethod } from "fastify";

/** Rejects a known path's other methods: 405 with `Allow`; a plain OPTIONS gets 204 with `Allow` (RFC 9110 §10.2.1). */
export const rejectOtherMethods = (
  app: FastifyInstance,
  url: string,
  allowed: readonly string[],
): void => {
  const served = allowed.includes("GET") ? [...allowed, "HEAD"] : allowed;
  // Fastify types its list of methods as strings, although `route` accepts exactly these.
  const others = app.supportedMethods.filter((method) => !served.includes(method)) as HTTPMethods[];
  app.route({
    method: others,
    url,
    // Before the body is read: whatever its type is, the method decides.
    onRequest: async ({ method }, reply) => {
      reply.header("Allow", allowed.join(", "));
      if (method !== "OPTIONS") throw new AppError("METHOD_NOT_ALLOWED");
      return reply.code(204).send();
    },
    handler: () => {},
  });
};

/** Serves a document at a path that has no other method than GET, and HEAD with it. */
export const serveDocument = (
  app: FastifyInstance,
  url: string,
  handler: RouteHandlerMethod,
): void => {
  app.get(url, handler);
  rejectOtherMethods(app, url, ["GET"]);
};
