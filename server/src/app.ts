import { randomUUID } from "node:crypto";
import cookie from "@fastify/cookie";
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import type { AnyTRPCRouter } from "@trpc/server";
import fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Deps } from "./deps.ts";
import { registerHealth } from "./http/health.ts";
import { RequestLog } from "./logger.ts";
import { registerRest } from "./rest/adapter.ts";
import { registerDocs } from "./rest/docs.ts";
import { openApiDocument } from "./rest/openapi.ts";
import { answerClientError, registerErrors } from "./http/error-responses.ts";
import { registerTrpc } from "./http/trpc-mount.ts";
import { appRouter } from "./rpc/router.ts";
import { limitPipelining } from "./http/socket-guard.ts";

const kibibyte = 1024;
/** Milliseconds. */
const second = 1000;

/** Milliseconds. Node looks every second which of them have run out, so that a socket lasts at most that much longer. */
const timeouts = {
  /** Until a request's headers are there; also until a new socket says anything. */
  headersTimeout: 5 * second,
  /** Until its body is there too: whoever trickles in a byte a second is gone within 10 s. */
  requestTimeout: 7 * second,
  /** Between two requests. */
  keepAliveTimeout: 5 * second,
  /** Without a byte in either direction: cuts who sends requests and never reads the answers. No call takes this long. */
  connectionTimeout: 8 * second,
};

/** Sockets at once; more are closed unread. An idle one costs a few kB, and is gone in 6 s. */
const maxConnections = 10_000;

/** Requests of one socket that may be unanswered. */
const maxPipelined = 100;

const requestId = /^[\w.-]{1,64}$/;

/**
 * The HTTP server with both transports, ready to listen or to be injected into; it never listens itself.
 * @param router the procedures to serve; tests of the adapter bring their own
 */
export const buildApp = async (
  deps: Deps,
  router: AnyTRPCRouter = appRouter,
): Promise<FastifyInstance> => {
  const { config } = deps;
  const log: FastifyBaseLogger = deps.log;
  const app = fastify({
    loggerInstance: log,
    logController: new RequestLog(),
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const given = headers["x-request-id"];
      return typeof given === "string" && requestId.test(given) ? given : randomUUID();
    },
    trustProxy: config.trustProxy ?? false,
    bodyLimit: 64 * kibibyte,
    // Dropped like every other key that nobody asked for, as tRPC does.
    onProtoPoisoning: "remove",
    onConstructorPoisoning: "remove",
    requestTimeout: timeouts.requestTimeout,
    keepAliveTimeout: timeouts.keepAliveTimeout,
    connectionTimeout: timeouts.connectionTimeout,
    http: { headersTimeout: timeouts.headersTimeout, connectionsCheckingInterval: second },
    // A batch names all its procedures in one path segment.
    routerOptions: { maxParamLength: kibibyte },
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      // Nothing ran yet, so what onRequest would add is missing.
      reply.header("X-Request-Id", request.id);
      app.errorHandler(error, request, reply);
    },
    clientErrorHandler: answerClientError,
  });
  app.server.maxConnections = maxConnections;
  limitPipelining(app, maxPipelined);
  registerErrors(app);
  app.addHook("onRequest", async (request, reply) => {
    reply.header("X-Request-Id", request.id);
  });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
  });
  const any = config.corsOrigins.includes("*");
  await app.register(cors, {
    // A function, so that a foreign origin gets no CORS header at all.
    origin: async (origin: string | undefined) =>
      any || (origin !== undefined && config.corsOrigins.includes(origin)),
    credentials: true,
    methods: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    allowedHeaders: ["Content-Type", "Authorization"],
    exposedHeaders: ["X-Request-Id", "Retry-After"],
    strictPreflight: false,
  });
  // Its hook would parse the request's cookies, which http/refresh-cookie.ts does by itself.
  await app.register(cookie, { hook: false });
  registerHealth(app, deps);
  registerDocs(app, openApiDocument(router));
  await app.register(async (scope) => registerTrpc(scope, deps, router));
  await app.register(async (scope) => registerRest(scope, deps, router));
  return app;
};
