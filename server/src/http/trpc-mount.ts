import { AppError, errors } from "@taskwire/shared";
import { type AnyTRPCRouter, getTRPCErrorShape, TRPCError } from "@trpc/server";
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from "@trpc/server/adapters/fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { recordOf } from "../log/request-record.ts";
import { compose } from "../rpc/compose.ts";
import { proceduresOf } from "../rpc/meta.ts";
import { translateError } from "../rpc/translate-error.ts";
import { answerPlainRequests } from "../trpc-json/mount.ts";
import { httpContext } from "./call-context.ts";
import { errorFromHttp, setErrorResponse } from "./error-responses.ts";
import { assertHashCapacity } from "./hash-capacity.ts";

/** The path of the tRPC transport and of its cookie. */
const prefix = "/trpc";

/** Calls in one request: a batch must not bypass a limit or a timeout. */
const maxBatchSize = 10;

/** tRPC answers HEAD itself, and fails on methods that `fetch` does not know. */
const methods = ["GET", "HEAD", "POST"];

/** Returns the body of an error that occurred outside procedures, in the format that a tRPC client expects. */
const bodyOf = (router: AnyTRPCRouter, error: AppError): unknown => ({
  error: getTRPCErrorShape({
    config: router._def._config,
    error: new TRPCError({ code: errors[error.code].trpc, cause: error }),
    type: "unknown",
    path: undefined,
    input: undefined,
    ctx: undefined,
  }),
});

/** A call that failed, as tRPC reports it. */
interface Failure {
  error: TRPCError;
  req: FastifyRequest;
  path?: string | undefined;
}

// tRPC would accept forms and byte streams too, and read them without the body limit. No procedure takes them.
const isJson = (contentType: string | undefined): boolean =>
  contentType?.split(";", 1)[0]?.trim().toLowerCase() === "application/json";

/**
 * Sends a streamed batch as one whole response in the stream's format. A stream's headers are sent before its calls are
 * done, and would lose the cookies that they set. Without the stream format, `httpBatchStreamLink` fails.
 */
const sendWhole = async (reply: FastifyReply, payload: Response): Promise<string> => {
  const text = await payload.text();
  payload.headers.delete("transfer-encoding");
  reply.code(payload.status).headers(Object.fromEntries(payload.headers));
  return text;
};

/** Returns the names of procedures in a request's path. */
const namesIn = (url: string): string[] => {
  const [names = ""] = url.slice(prefix.length + 1).split("?", 1);
  return names.split(",");
};

/** Serves the router at /trpc. Accepts JSON only; all errors have tRPC's format. */
export const registerTrpc = (scope: FastifyInstance, deps: Deps, router: AnyTRPCRouter): void => {
  const procedures = new Map(proceduresOf(router));
  const check = (request: FastifyRequest, reply: FastifyReply): void => {
    const { method, headers, url } = request;
    const record = recordOf(request);
    record.transport = "rpc";
    reply.header("Cache-Control", "no-store");
    if (!methods.includes(method)) {
      reply.header("Allow", methods.join(", "));
      throw new AppError("METHOD_NOT_ALLOWED");
    }
    const names = namesIn(url);
    if (names.length > maxBatchSize)
      throw new AppError("VALIDATION_ERROR", {
        detail: `A batch has at most ${maxBatchSize} calls`,
      });
    record.procedures = names.filter((name) => procedures.has(name));
    assertHashCapacity(
      deps,
      names.flatMap((name) => procedures.get(name) ?? []),
    );
    const type = headers["content-type"];
    if ((type !== undefined || method === "POST") && !isJson(type))
      throw new AppError("UNSUPPORTED_MEDIA_TYPE");
  };
  scope.addHook("onRequest", (request, reply, done) => {
    check(request, reply);
    done();
  });
  scope.addHook("onSend", (_request, reply, payload, done) => {
    if (payload instanceof Response && payload.headers.has("transfer-encoding"))
      return sendWhole(reply, payload);
    done(null, payload);
    return undefined;
  });
  scope.setErrorHandler((thrown, request, reply) => {
    const error = errorFromHttp(thrown);
    return setErrorResponse(error, request, reply).send(bodyOf(router, error));
  });
  const createContext = ({ req, res }: { req: FastifyRequest; res: FastifyReply }) =>
    httpContext(deps, req, res, prefix, "trpc");
  const onError = ({ error, req, path = "" }: Failure): void => {
    // Errors of procedures are already translated and logged. This logs those of tRPC itself.
    if (error.cause instanceof AppError) return;
    const { code, cause } = translateError(error);
    const procedure = procedures.has(path) ? path : undefined;
    recordOf(req).calls.push({ procedure, code, ms: 0 });
    if (code === "INTERNAL_ERROR") req.log.error({ err: cause }, "tRPC request failed");
  };
  const vary = "Origin";
  answerPlainRequests(scope, {
    prefix,
    router,
    procedures: new Map(
      [...procedures].map(([name, procedure]) => [
        name,
        { type: procedure._def.type, invoke: compose(name, procedure) },
      ]),
    ),
    maxBatchSize,
    createContext,
    vary,
    onError,
  });
  const trpcOptions: FastifyTRPCPluginOptions<AnyTRPCRouter>["trpcOptions"] = {
    router,
    maxBatchSize,
    // A browser asks for permission once for each URL of another origin: a query sent by POST has one URL for all inputs.
    // A mutation by GET is still rejected.
    allowMethodOverride: true,
    createContext,
    // tRPC's headers replace the Vary header that the CORS plugin has set.
    responseMeta: () => ({ headers: new Headers({ vary }) }),
    onError,
  };
  scope.register(fastifyTRPCPlugin, { prefix, trpcOptions });
};
