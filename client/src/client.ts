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
  /** Where the server is, such as https://api.example.com. */
  url: string;
  /** Called once when the session is over: signed out, or found expired or revoked. */
  onSignedOut?: () => void;
  /** Replaces the platform's fetch, for example to keep cookies where there is no browser. */
  fetch?: typeof fetch;
}

/** The calls in one request at most, as the server has it. */
const maxBatchSize = 10;

/**
 * A client of the backend: `client.task.list.query()`, `client.auth.login.mutate({ email, password })`.
 * The access token stays in memory. An expired one is renewed once for all calls that wait, which are then repeated;
 * after a page was loaded anew, `client.auth.refresh.mutate()` takes up the session that the cookie holds.
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
