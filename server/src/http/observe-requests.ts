import type { FastifyInstance } from "fastify";
import type { Metrics } from "../observability/metrics.ts";

/** Measures every request. It listens to the response's end, which comes also if the connection closes before. */
export const measureRequests = (
  app: FastifyInstance,
  { beginRequest, endRequest }: Metrics,
): void => {
  app.addHook("onRequest", (request, reply, done) => {
    const startedAt = performance.now();
    const { method } = request;
    const { raw } = reply;
    beginRequest(method);
    raw.once("close", () => {
      endRequest({
        method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        isAborted: !raw.writableFinished,
        seconds: (performance.now() - startedAt) / 1000,
      });
    });
    done();
  });
};
