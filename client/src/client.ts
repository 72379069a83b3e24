import type { TRPCClient } from "@trpc/client";
import type { AppRouter } from "./api.ts";
import { createSessionAndCalls, type ClientSession, type SessionOptions } from "./session.ts";

/** A client of the backend: every procedure, and the session. */
export type Client = TRPCClient<AppRouter> & { readonly session: ClientSession };

/**
 * Creates a client of the backend: `client.task.list.query()`, `client.session.signIn({ email, password })`.
 * It restores the session at the first call, keeps the access token in memory only, and renews it.
 */
export const createClient = (options: SessionOptions): Client => {
  const { session, calls } = createSessionAndCalls(options);
  // Safe: the proxy adds the one property that the type adds.
  return new Proxy(calls as Client, {
    get: (target, name) => (name === "session" ? session : Reflect.get(target, name)),
  });
};
