import formbody from "@fastify/formbody";
import { AppError } from "@taskwire/shared";
import { type AnyTRPCRouter, callTRPCProcedure } from "@trpc/server";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { Deps } from "../deps.ts";
import { httpContext } from "../http/call-context.ts";
import { assertHashCapacity } from "../http/hash-capacity.ts";
import type { RestMeta } from "../rpc/meta.ts";
import { coerceAll } from "./coerce.ts";
import { fillPath, type Operation, operationsOf, prefix } from "./operations.ts";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A parameter that is spelled as a list or an object (page[]=1) has the wrong type; it is no unknown one to ignore. */
const withoutBrackets = (query: unknown): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(isRecord(query) ? query : {}).map(([name, value]) => {
      const bracket = name.indexOf("[");
      return bracket === -1 ? [name, value] : [name.slice(0, bracket), [value]];
    }),
  );

/** Path, query and body as the one flat input that the procedure takes; the path wins, as it names what is acted on. */
const inputOf = ({ rest, fields, inputs }: Operation, request: FastifyRequest): unknown => {
  if (inputs.length === 0) return undefined;
  const texts = withoutBrackets(request.query);
  const path = isRecord(request.params) ? request.params : {};
  const { body } = request;
  let values: Record<string, unknown>;
  if (rest.body === undefined) values = coerceAll(fields, { ...texts, ...path });
  else if (!isRecord(body)) return body ?? null;
  else
    values = {
      ...(rest.body === "form" ? coerceAll(fields, body) : body),
      ...coerceAll(fields, path),
    };
  for (const [name, wireName] of Object.entries(rest.fieldNames)) {
    values[name] = values[wireName];
    delete values[wireName];
  }
  return values;
};

/** The fields of the output that REST shows. */
const pickOutput = (output: unknown, schema: RestMeta["output"]): unknown =>
  schema === undefined || !isRecord(output)
    ? output
    : Object.fromEntries(Object.keys(schema.shape).map((name) => [name, output[name]]));

const serve = (deps: Deps, router: AnyTRPCRouter, operation: Operation) => {
  const { name: path, procedure, rest } = operation;
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    let status = rest.status;
    const context = httpContext(deps, request, reply, `${prefix}/auth`);
    const output: unknown = await callTRPCProcedure({
      router,
      path,
      type: procedure._def.type,
      ctx: {
        ...context,
        call: {
          ...context.call,
          fieldNames: rest.fieldNames,
          markUnchanged: () => {
            if (rest.unchanged !== undefined) status = 200;
          },
        },
      },
      getRawInput: () => Promise.resolve(inputOf(operation, request)),
      signal: undefined,
      batchIndex: 0,
    });
    reply.code(status);
    return status === 204 ? reply.send() : pickOutput(output, rest.output);
  };
};

const parsers: Record<"json" | "form" | "none", (scope: FastifyInstance) => void> = {
  json: (scope) => {
    scope.removeContentTypeParser("text/plain");
  },
  form: (scope) => {
    scope.removeAllContentTypeParsers();
    scope.register(formbody);
  },
  // Whatever a client sends along with a call that takes no body is read and dropped, as the replaced backend did.
  none: (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, _body, done) => done(null));
  },
};

/** Answers a known path's other methods: 405 with `Allow`, and a plain OPTIONS with `Allow` alone (RFC 9110 §10.2.1). */
const rejectOtherMethods = (
  scope: FastifyInstance,
  url: string,
  allowed: readonly string[],
): void => {
  const served = allowed.includes("GET") ? [...allowed, "HEAD"] : allowed;
  const others = scope.supportedMethods.filter(
    (method) => !served.includes(method),
  ) as HTTPMethods[];
  scope.route({
    method: others,
    url,
    handler: (request, reply) => {
      reply.header("Allow", allowed.join(", "));
      if (request.method !== "OPTIONS") throw new AppError("METHOD_NOT_ALLOWED");
      return reply.code(204).send();
    },
  });
};

/** Serves every procedure that has `meta.rest` below /api/v1: one Fastify route each, registered once. */
export const registerRest = (app: FastifyInstance, deps: Deps, router: AnyTRPCRouter): void => {
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("Cache-Control", "no-store");
  });
  const operations = operationsOf(router);
  const urlOf = ({ rest }: Operation) => prefix + fillPath(rest.path, (name) => `:${name}`);
  const kindOf = ({ rest }: Operation) => rest.body ?? "none";

  for (const kind of ["json", "form", "none"] as const) {
    app.register(async (scope) => {
      parsers[kind](scope);
      for (const operation of operations.filter((each) => kindOf(each) === kind)) {
        scope.route({
          method: operation.rest.method,
          url: urlOf(operation),
          onRequest: async () => {
            assertHashCapacity(deps, [operation.procedure]);
          },
          handler: serve(deps, router, operation),
        });
      }
    });
  }

  app.register(async (scope) => {
    parsers.none(scope);
    for (const [url, group] of Map.groupBy(operations, urlOf)) {
      rejectOtherMethods(
        scope,
        url,
        group.map(({ rest }) => rest.method),
      );
    }
  });
};
