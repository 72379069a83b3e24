import {
  type OperationContext,
  type TRPCClient,
  TRPCClientError,
  type TRPCLink,
} from "@trpc/client";
import type { AppRouter } from "./api.ts";

type Link = ReturnType<TRPCLink<AppRouter>>;

interface CallOptions {
  signal?: AbortSignal | null | undefined;
  context?: OperationContext | undefined;
}

/** The property by which tRPC's libraries, such as `@trpc/tanstack-react-query`, get a client that takes paths. */
const untypedClient = Symbol.for("trpc_untypedClient");

/**
 * Returns a client whose calls pass through the links. tRPC's `createTRPCClient` does the same, but brings its WebSocket
 * client into every bundle: 1 kB of 9.
 */
export const createCalls = (links: readonly TRPCLink<AppRouter>[]): TRPCClient<AppRouter> => {
  const chain = links.map((link) => link({}));
  const send = (op: Parameters<Link>[0]["op"], index = 0): ReturnType<Link> => {
    const link = chain[index];
    if (link === undefined) throw new Error("The last link must send the call");
    return link({ op, next: (changed) => send(changed, index + 1) });
  };

  let id = 0;
  const caller =
    (type: "query" | "mutation") =>
    (path: string, input: unknown, { signal = null, context = {} }: CallOptions = {}) =>
      new Promise<unknown>((resolve, reject) => {
        id += 1;
        send({ id, type, path, input, signal, context }).subscribe({
          next: ({ result }) => resolve("data" in result ? result.data : undefined),
          error: reject,
          complete: () => reject(new Error("The links returned no result")),
        });
      }).catch((error: Error) => {
        throw TRPCClientError.from<AppRouter>(error);
      });
  const query = caller("query");
  const mutation = caller("mutation");

  const procedure = (path: string) => ({
    query: (input: unknown, options?: CallOptions) => query(path, input, options),
    mutate: (input: unknown, options?: CallOptions) => mutation(path, input, options),
  });
  /** Returns an object with a value for every name, except those that a promise or a symbol would have. */
  const each = (valueOf: (name: string) => unknown, other?: unknown) =>
    new Proxy(
      {},
      {
        get: (_, name) => {
          if (name === untypedClient) return other;
          return typeof name === "string" && name !== "then" ? valueOf(name) : undefined;
        },
      },
    );
  // Safe: the type allows only the paths of procedures, which the server has.
  return each((room) => each((name) => procedure(`${room}.${name}`)), {
    query,
    mutation,
  }) as TRPCClient<AppRouter>;
};
