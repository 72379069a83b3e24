import helmet, { type FastifyHelmetOptions } from "@fastify/helmet";
import fastify, { type FastifyInstance } from "fastify";

/** A Content-Security-Policy, as helmet takes it. */
export type ContentPolicy = Exclude<
  FastifyHelmetOptions["contentSecurityPolicy"],
  boolean | undefined
>;

/**
 * Returns the headers that helmet sets. They are the same for every response, so helmet computes them once, at start.
 * @param contentSecurityPolicy what a page may load
 */
export const securityHeaders = async (
  contentSecurityPolicy: ContentPolicy,
): Promise<Record<string, string>> => {
  const probe = fastify();
  await probe.register(helmet, { contentSecurityPolicy });
  const headers: Record<string, string> = {};
  probe.get("/", (_request, reply) => {
    for (const [name, value] of Object.entries(reply.getHeaders())) headers[name] = String(value);
    return reply.code(204).send();
  });
  await probe.inject("/");
  await probe.close();
  return headers;
};

/** Adds the request's id and the security headers to every response. A route may replace them. */
export const setCommonHeaders = async (app: FastifyInstance): Promise<void> => {
  const headers = await securityHeaders({
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  });
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("X-Request-Id", request.id).headers(headers);
    done();
  });
};
