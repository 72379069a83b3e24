import {
  type AnyTRPCRouter,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  type TRPCError,
} from "@trpc/server";
import { getHTTPStatusCode } from "@trpc/server/http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type PlainCall, type PlainProcedure, plainRequestOf } from "./plain-request.ts";

interface PlainMount<Context> {
  /** The path of the mount, such as `/trpc`. */
  prefix: string;
  router: AnyTRPCRouter;
  /** Those that return JSON and no stream, by their names. */
  procedures: ReadonlyMap<string, PlainProcedure<Context>>;
  /** Calls of one request. */
  maxBatchSize: number;
  createContext: (options: { req: FastifyRequest; res: FastifyReply }) => Context;
  /** The header `Vary`, beside tRPC's own. */
  vary: string;
  /** Is called for each call that fails, as the option of tRPC's adapters. */
  onError: (failure: { error: TRPCError; path: string; req: FastifyRequest }) => void;
}

/**
 * Answers plain JSON requests in front of tRPC's Fastify adapter, which gets all others. The adapter creates a web Request,
 * a stream and several abort controllers for each request: three quarters of its time. Both responses are the same, byte for
 * byte, except that this one has a Content-Length; tests/api/trpc-json.test.ts compares them.
 * @param scope also has tRPC's adapter, with its parser that leaves a JSON body as text
 */
export const answerPlainRequests = <Context>(
  scope: FastifyInstance,
  mount: PlainMount<Context>,
): void => {
  const { prefix, router, procedures, maxBatchSize } = mount;
  const config = router._def._config;
  const { transformer } = config;

  const call = async (
    { path, procedure, input }: PlainCall<PlainProcedure<Context>>,
    req: FastifyRequest,
    ctx: Context,
  ) => {
    const { type } = procedure;
    const deserialized: unknown = transformer.input.deserialize(input);
    try {
      const data = await procedure.invoke(ctx, deserialized);
      return { result: { data } };
    } catch (thrown) {
      const error = getTRPCErrorFromUnknown(thrown);
      mount.onError({ error, path, req });
      return {
        error: getTRPCErrorShape({ config, error, path, type, input: deserialized, ctx }),
      };
    }
  };

  /** As tRPC's `transformTRPCResponse`, which copies each response twice. */
  const serialize = (response: Awaited<ReturnType<typeof call>>) =>
    response.result === undefined
      ? { error: transformer.output.serialize(response.error) as unknown }
      : { result: { data: transformer.output.serialize(response.result.data) as unknown } };

  scope.addHook("preHandler", async (request, reply) => {
    const plain = plainRequestOf(request, prefix, procedures, maxBatchSize);
    if (plain === undefined) return undefined;
    const ctx = mount.createContext({ req: request, res: reply });
    const { isBatch, calls } = plain;
    const responses = await Promise.all(calls.map((each) => call(each, request, ctx)));
    const [first] = responses;
    const isSingle = !isBatch && first !== undefined;
    return reply
      .code(getHTTPStatusCode(isSingle ? first : responses))
      .headers({ vary: `trpc-accept, accept, ${mount.vary}`, "content-type": "application/json" })
      .serializer(JSON.stringify)
      .send(isSingle ? serialize(first) : responses.map(serialize));
  });
};
