import { AppError, errors } from "@taskwire/shared";
import {
  type AnyTRPCProcedure,
  type AnyTRPCRouter,
  getTRPCErrorShape,
  TRPCError,
} from "@trpc/server";
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from "@trpc/server/adapters/fastify";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { httpContext } from "./call-context.ts";
import { fromHttp, refuse } from "./error-responses.ts";
import { metaOf } from "../rpc/meta.ts";
import { translate } from "../rpc/translate-error.ts";

/** Where the tRPC transport lives, and the path of its cookie. */
const prefix = "/trpc";

/** Calls in one request at most; a batch is no way around a limit or a timeout. */
const maxBatchSize = 10;

/** The body of a refusal that no procedure made, as a tRPC client expects it. */
const bodyOf = (router: AnyTRPCRouter, refusal: AppError): unknown => ({
  error: getTRPCErrorShape({
    config: router._def._config,
    error: new TRPCError({ code: errors[refusal.code].trpc, cause: refusal }),
    type: "unknown",
    path: undefined,
    input: undefined,
    ctx: undefined,
  }),
});

// tRPC would read forms and byte streams past the body limit, and no procedure takes them.
const isJson = (contentType: string | undefined): boolean =>
  contentType?.split(";", 1)[0]?.trim().toLowerCase() === "application/json";

const hashesIn = (router: AnyTRPCRouter): Set<string> => {
  const procedures = Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>);
  const hashing = procedures.filter(([, procedure]) => metaOf(procedure).hashes);
  return new Set(hashing.map(([name]) => name));
};

/** The procedures that a request names. */
const namesIn = (url: string): string[] =>
  url
    .slice(prefix.length + 1)
    .split("?", 1)
    .join()
    .split(",");

/** Serves the router at /trpc, JSON only, errors in tRPC's shape. */
export const registerTrpc = (scope: FastifyInstance, deps: Deps, router: AnyTRPCRouter): void => {
  const hashing = hashesIn(router);
  scope.addHook("onRequest", async ({ method, headers, url }, reply) => {
    reply.header("Cache-Control", "no-store");
    if (namesIn(url).some((name) => hashing.has(name))) deps.passwords.assertCapacity();
    const type = headers["content-type"];
    if ((type !== undefined || method === "POST") && !isJson(type))
      throw new AppError("UNSUPPORTED_MEDIA_TYPE");
  });
  scope.setErrorHandler((error, request, reply) => {
    const refusal = fromHttp(error);
    return refuse(refusal, request, reply).send(bodyOf(router, refusal));
  });
  const trpcOptions: FastifyTRPCPluginOptions<AnyTRPCRouter>["trpcOptions"] = {
    router,
    maxBatchSize,
    createContext: ({ req, res }) => httpContext(deps, req, res, prefix),
    // tRPC's answer replaces the Vary header that CORS has set by then.
    responseMeta: () => ({ headers: new Headers({ vary: "Origin" }) }),
    onError: ({ error, req }) => {
      // A procedure's own errors are translated and logged by then; this is for what breaks around them.
      if (error.cause instanceof AppError) return;
      const { code, cause } = translate(error);
      if (code === "INTERNAL_ERROR") req.log.error({ err: cause }, "A tRPC request failed");
    },
  };
  scope.register(fastifyTRPCPlugin, { prefix, trpcOptions });
};
