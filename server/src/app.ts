import { randomUUID } from "node:crypto";
import cookie from "@fastify/cookie";
import cors from "@fastify/cors";
import type { AnyTRPCRouter } from "@trpc/server";
import fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Deps } from "./deps.ts";
import { setCommonHeaders } from "./http/common-headers.ts";
import { manageConnections } from "./http/connections.ts";
import { measureRequests, traceRequests } from "./http/observe-requests.ts";
import { answerClientError, registerErrors } from "./http/error-responses.ts";
import { registerHealth } from "./http/health.ts";
import { registerJwks } from "./http/jwks.ts";
import { registerLanding } from "./http/landing.ts";
import { isListed, warnOfRejectedOrigins } from "./http/origins.ts";
import { checkRequests } from "./http/request-checks.ts";
import { limitPipelining } from "./http/socket-guard.ts";
import { redirectTrailingSlash } from "./http/trailing-slash.ts";
import { registerTrpc } from "./http/trpc-mount.ts";
import { RequestLog } from "./log/request-log.ts";
import { addRecords } from "./log/request-record.ts";
import { traceIdIn } from "./log/trace-id.ts";
import { registerRest } from "./rest/adapter.ts";
import { registerDocs } from "./rest/docs.ts";
import { openApiDocument } from "./rest/openapi.ts";
import { appRouter } from "./rpc/router.ts";

const kibibyte = 1024;
/** Milliseconds. */
const second = 1000;

/** Milliseconds. Node checks them once a second, so a socket can stay open for up to a second longer. */
const timeouts = {
  /** For the headers of a request to arrive, counted from the first byte or from the opening of a new socket. */
  headersTimeout: 5 * second,
  /** For the whole request to arrive, body included: a client that sends a byte a second is cut off within 10 s. */
  requestTimeout: 7 * second,
  /** Without a byte in either direction: cuts off a client that never reads its responses. No call takes this long. */
  connectionTimeout: 8 * second,
};

/** Open sockets; further ones are closed unread. http/connections.ts limits how many of them are idle. */
const maxConnections = 10_000;

/** Requests of one socket that may wait for their responses. */
const maxPipelined = 100;

/** Seconds for which a browser keeps the permission of a preflight: Chromium's maximum. A longer time would change nothing. */
const preflightMaxAge = 7200;

const requestId = /^[\w.-]{1,64}$/;

/**
 * Builds the HTTP server with both transports. It does not listen: the caller calls `listen` or `inject`.
 * @param router the procedures to serve; tests of the transports pass their own
 */
export const buildApp = async (
  deps: Deps,
  router: AnyTRPCRouter = appRouter,
): Promise<FastifyInstance> => {
  const { config } = deps;
  const log: FastifyBaseLogger = deps.log;
  const app = fastify({
    loggerInstance: log,
    logController: new RequestLog(deps.log.isLevelEnabled("info")),
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const sent = headers["x-request-id"];
      return typeof sent === "string" && requestId.test(sent) ? sent : randomUUID();
    },
    childLoggerFactory: (parent, bindings, options, { headers: { traceparent } }) => {
      // With tracing, each line gets the id of its span's trace.
      const isHere = deps.tracing === undefined && typeof traceparent === "string";
      const trace_id = isHere ? traceIdIn(traceparent) : undefined;
      return parent.child(trace_id === undefined ? bindings : { ...bindings, trace_id }, options);
    },
    trustProxy: config.trustProxy ?? false,
    bodyLimit: 64 * kibibyte,
    // Drops such keys like every other unknown key, as tRPC does.
    onProtoPoisoning: "remove",
    onConstructorPoisoning: "remove",
    requestTimeout: timeouts.requestTimeout,
    keepAliveTimeout: config.keepAliveTimeout * second,
    connectionTimeout: timeouts.connectionTimeout,
    http: {
      headersTimeout: timeouts.headersTimeout,
      connectionsCheckingInterval: second,
      // http/request-checks.ts checks it, for an error in the contract's format.
      requireHostHeader: false,
    },
    // A tRPC batch names all its procedures in one path segment.
    routerOptions: { maxParamLength: kibibyte },
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      // The onRequest hooks did not run.
      reply.header("X-Request-Id", request.id);
      app.errorHandler(error, request, reply);
    },
    clientErrorHandler: answerClientError,
  });
  app.server.maxConnections = maxConnections;
  limitPipelining(app, maxPipelined);
  manageConnections(app, deps.draining.signal);
  addRecords(app);
  registerErrors(app);
  if (deps.metrics !== undefined) measureRequests(app, deps.metrics);
  if (deps.tracing !== undefined) traceRequests(app, deps.tracing);
  await setCommonHeaders(app);
  checkRequests(app);
  warnOfRejectedOrigins(app, config);
  await app.register(cors, {
    // A function, so that the response to a foreign origin has no CORS header at all.
    origin: (origin: string | undefined, done) => {
      const isAny = config.corsOrigins.includes("*");
      done(null, isAny || (origin !== undefined && isListed(config, origin)));
    },
    credentials: true,
    methods: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    allowedHeaders: ["Content-Type", "Authorization"],
    exposedHeaders: ["X-Request-Id", "Retry-After"],
    maxAge: preflightMaxAge,
    strictPreflight: false,
  });
  // After CORS: a browser follows a redirect of another origin only if it has the CORS headers.
  redirectTrailingSlash(app);
  // Only for `serializeCookie`, without its hook that parses every request's cookies: http/refresh-cookie.ts reads and
  // writes the headers.
  await app.register(cookie, { hook: false });
  registerHealth(app, deps);
  registerLanding(app);
  registerJwks(app, deps);
  await registerDocs(app, openApiDocument(router));
  await app.register(async (scope) => registerTrpc(scope, deps, router));
  await app.register(async (scope) => registerRest(scope, deps, router));
  return app;
};
