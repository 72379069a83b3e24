import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Metrics } from "../observability/metrics.ts";
import type { TracedRequest, Tracing } from "../observability/tracing.ts";

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

/** Makes a span of each request. What the request causes runs in its context, so that its spans are inside that one. */
export const traceRequests = (app: FastifyInstance, { beginRequest }: Tracing): void => {
  const traced = new WeakMap<FastifyRequest, TracedRequest>();
  app.addHook("onRequest", (request, reply, done) => {
    const { method, url, headers } = request;
    const [path = ""] = url.split("?", 1);
    const current = beginRequest({ method, path }, headers);
    traced.set(request, current);
    const { raw } = reply;
    raw.once("close", () => {
      const { statusCode: status } = reply;
      const isAborted = !raw.writableFinished;
      current.end({ route: request.routeOptions.url, status, isAborted });
    });
    current.run(done);
  });
  // The events of the socket, after which the body is complete or the response is sent, have no context of a request.
  const resume = (request: FastifyRequest, _reply: unknown, done: () => void): void => {
    const current = traced.get(request);
    if (current === undefined) done();
    else current.run(done);
  };
  app.addHook("preValidation", resume);
  app.addHook("onResponse", resume);
};
