import {
  createTRPCClient,
  httpBatchLink,
  httpLink,
  type HTTPLinkOptions,
  type TRPCClient,
} from "@trpc/client";
import type { AppRouter } from "./api.ts";
import { createSession, sessionLink } from "./session.ts";

export interface ClientOptions {
  /** The server's address, such as https://api.example.com. */
  url: string;
  /** Called once when the session is over: after signing out, or when it has expired or was revoked. */
  onSignedOut?: () => void;
  /** Replaces the platform's fetch, for example to store cookies outside a browser. */
  fetch?: typeof fetch;
}

/** Calls per request; the server rejects larger batches. */
const maxBatchSize = 10;

/**
 * Creates a client of the backend: `client.task.list.query()`, `client.auth.login.mutate({ email, password })`.
 * It keeps the access token in memory only, renews an expired one once for all waiting calls, and repeats them.
 * After a page load, call `client.auth.refresh.mutate()` to resume the session of the refresh cookie.
 */
export const createClient = (options: ClientOptions): TRPCClient<AppRouter> => {
  const url = new URL("/trpc", options.url).href;
  const send: NonNullable<HTTPLinkOptions<AppRouter["_def"]["_config"]["$types"]>["fetch"]> = (
    input,
    init,
  ) =>
    (options.fetch ?? fetch)(input, {
      ...init,
      signal: init?.signal ?? null,
      credentials: "include",
    });
  const plain = createTRPCClient<AppRouter>({ links: [httpLink({ url, fetch: send })] });
  const session = createSession({
    refresh: () => plain.auth.refresh.mutate(),
    onSignedOut: () => options.onSignedOut?.(),
  });
  return createTRPCClient<AppRouter>({
    links: [
      sessionLink(session),
      httpBatchLink({
        url,
        fetch: send,
        maxItems: maxBatchSize,
        headers: () =>
          session.accessToken === undefined
            ? {}
            : { authorization: `Bearer ${session.accessToken}` },
      }),
    ],
  });
};
