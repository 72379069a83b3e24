import {
  httpBatchLink,
  type Operation,
  type TRPCClient,
  TRPCClientError,
  type TRPCLink,
} from "@trpc/client";
import type { AppRouter } from "./api.ts";
import type { AuthLoginInput, RegisterRequest, User } from "./api.generated.ts";
import { createCalls } from "./calls.ts";
import { SessionError } from "./errors.ts";
import { sessionHeaders, sessionLink } from "./session-link.ts";
import { createSessionState } from "./session-state.ts";
import type { SessionSnapshot } from "./sign-in.ts";
import type { TabPlatform } from "./tabs.ts";

type Headers = Record<string, string>;

export interface SessionOptions {
  /**
   * The server's address, such as https://api.example.com, with a path prefix if a proxy serves it below one. In a browser
   * also a path, such as /backend, and "" for the page's own origin.
   */
  url: string;
  /** Called each time that a session is over: after signing out, in any tab, or when it has expired or was revoked. */
  onSignedOut?: () => void;
  /** Replaces the platform's fetch, for example to store cookies outside a browser. */
  fetch?: typeof fetch;
  /** Returns headers for a request. */
  headers?: () => Headers | Promise<Headers>;
  /** tRPC links between the session's link and the request. The last one may send the calls itself. */
  links?: readonly TRPCLink<AppRouter>[];
  /** What connects the tabs of a browser, by default the browser's own parts. `{}` for none. */
  tabs?: TabPlatform;
}

/** Who is signed in, in all tabs of the browser. */
export interface ClientSession {
  readonly status: SessionSnapshot["status"];
  /** Undefined unless the status is `signedIn`. */
  readonly user: User | undefined;
  /** Signs in, and returns the user. */
  signIn: (credentials: AuthLoginInput) => Promise<User>;
  /** Creates an account, signs in, and returns the user. */
  signUp: (account: RegisterRequest) => Promise<User>;
  signOut: () => Promise<void>;
  /** Finds out whether the browser is signed in. The first call and the first listener do it by themselves. */
  restore: () => Promise<void>;
  /** Calls the listener after each change. Returns the function that ends this. */
  subscribe: (listener: () => void) => () => void;
  /** Returns the present state: the same object until it changes. */
  getSnapshot: () => SessionSnapshot;
  /**
   * The link for a tRPC client of your own: it gives each call its token, and follows sign-ins and sign-outs. The link
   * that sends the calls needs `headers: sessionHeaders`.
   */
  readonly link: TRPCLink<AppRouter>;
}

/** Calls per request; the server rejects larger batches. */
const maxBatchSize = 10;

/** Milliseconds after which a refresh that got no response fails, because all calls of all tabs wait for it. */
const refreshTimeout = 10_000;

/** Creates a session, and the client whose calls belong to it. */
export const createSessionAndCalls = (
  options: SessionOptions,
): { session: ClientSession; calls: TRPCClient<AppRouter> } => {
  let url = options.url;
  while (url.endsWith("/")) url = url.slice(0, -1);
  url += "/trpc";
  const requestLinks: TRPCLink<AppRouter>[] = [
    ...(options.links ?? []),
    httpBatchLink({
      url,
      maxItems: maxBatchSize,
      // A browser asks for permission once for each URL of another origin, and a query's URL has its input.
      methodOverride: "POST",
      // Safe: tRPC's own type of fetch is a subset of the platform's.
      fetch: (input, init) =>
        (options.fetch ?? fetch)(input as string, { ...(init as object), credentials: "include" }),
      headers: async ({ opList }: { opList: readonly Operation[] }) => ({
        ...(await options.headers?.()),
        ...sessionHeaders({ opList }),
      }),
    }),
  ];
  const plain = createCalls(requestLinks);
  const state = createSessionState({
    name: `taskwire ${url}`,
    refresh: async () => {
      // React Native has no AbortSignal.timeout.
      const signal = AbortSignal.timeout?.(refreshTimeout);
      try {
        return await plain.auth.refresh.mutate(undefined, { signal });
      } catch (error) {
        // tRPC reports only that it was aborted, as if the caller had done it.
        throw signal?.aborted ? TRPCClientError.from(signal.reason) : error;
      }
    },
    loadUser: () => calls.auth.me.query(),
    onSignedOut: () => options.onSignedOut?.(),
    platform: options.tabs,
  });
  const link = sessionLink(state);
  const calls = createCalls([link, ...requestLinks]);

  const { getSnapshot, subscribe, restore } = state;
  const signIn: ClientSession["signIn"] = async (credentials) => {
    await calls.auth.login.mutate(credentials);
    await restore();
    const { user } = getSnapshot();
    if (user === undefined) throw new SessionError("ended");
    return user;
  };
  const session: ClientSession = {
    get status() {
      return getSnapshot().status;
    },
    get user() {
      return getSnapshot().user;
    },
    signIn,
    signUp: async (account) => {
      await calls.auth.register.mutate(account);
      return signIn(account);
    },
    signOut: async () => {
      try {
        await calls.auth.logout.mutate();
      } catch (error) {
        if (!(error instanceof SessionError && error.reason === "ended")) throw error;
      }
    },
    restore,
    subscribe,
    getSnapshot,
    link,
  };
  return { session, calls };
};

/** Creates a session for a tRPC client of your own. `createClient` creates both. */
export const createSession = (options: SessionOptions): ClientSession =>
  createSessionAndCalls(options).session;
