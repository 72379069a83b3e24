import formbody from "@fastify/formbody";
import type { AnyTRPCRouter } from "@trpc/server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { httpContext } from "../http/call-context.ts";
import { assertHashCapacity } from "../http/hash-capacity.ts";
import { rejectOtherMethods } from "../http/other-methods.ts";
import { recordOf } from "../log/request-record.ts";
import { compose } from "../rpc/compose.ts";
import type { RestMeta } from "../rpc/meta.ts";
import { inputOf, isRecord } from "./input.ts";
import type { Call } from "../services/context.ts";
import { fillPath, type Operation, operationsOf, prefix } from "./operations.ts";

/** The path of this transport's refresh cookie. */
const cookiePath = `${prefix}/auth`;

/** Returns the fields of the output that REST publishes; all of them without a schema. */
const pickOutput = (output: unknown, schema: RestMeta["output"]): unknown =>
  schema === undefined || !isRecord(output)
    ? output
    : Object.fromEntries(Object.keys(schema.shape).map((name) => [name, output[name]]));

/** Returns the Fastify handler of one operation: calls the procedure and sends its output. */
const handlerOf = (deps: Deps, operation: Operation) => {
  const { name, procedure, rest } = operation;
  const invoke = compose(name, procedure);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    let status = rest.status;
    const ctx = httpContext(deps, request, reply, cookiePath, "rest");
    Object.assign(ctx.call, {
      fieldNames: rest.fieldNames,
      markUnchanged: () => {
        if (rest.unchanged !== undefined) status = 200;
      },
    } satisfies Partial<Call>);
    const output = await invoke(ctx, inputOf(operation, request));
    reply.code(status);
    return status === 204 ? reply.send() : pickOutput(output, rest.output);
  };
};

/** How a scope parses bodies. Fastify keeps parsers per scope, so each kind of body has a scope of its own. */
const contentTypeParsers: Record<"json" | "form" | "none", (scope: FastifyInstance) => void> = {
  json: (scope) => {
    scope.removeContentTypeParser("text/plain");
  },
  form: (scope) => {
    scope.removeAllContentTypeParsers();
    scope.register(formbody);
  },
  // Reads and discards any body sent to an operation without one, as the previous backend did.
  none: (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, _body, done) => done(null));
  },
};

/** Serves every procedure that has `meta.rest` below /api/v1, each as one Fastify route. */
export const registerRest = (app: FastifyInstance, deps: Deps, router: AnyTRPCRouter): void => {
  app.addHook("onRequest", (request, reply, done) => {
    recordOf(request).transport = "rest";
    reply.header("Cache-Control", "no-store");
    done();
  });
  const operations = operationsOf(router);
  const urlOf = ({ rest }: Operation) => prefix + fillPath(rest.path, (name) => `:${name}`);

  for (const body of ["json", "form", "none"] as const) {
    app.register(async (scope) => {
      contentTypeParsers[body](scope);
      for (const operation of operations.filter(({ rest }) => (rest.body ?? "none") === body)) {
        scope.route({
          method: operation.rest.method,
          url: urlOf(operation),
          onRequest: [
            (request, _reply, done) => {
              recordOf(request).procedures = [operation.name];
              done();
            },
            ...(operation.meta.hashes === undefined
              ? []
              : [async () => assertHashCapacity(deps, [operation.procedure])]),
          ],
          handler: handlerOf(deps, operation),
        });
      }
    });
  }

  for (const [url, group] of Map.groupBy(operations, urlOf)) {
    rejectOtherMethods(
      app,
      url,
      group.map(({ rest }) => rest.method),
    );
  }
};
