import {
  createTRPCClient,
  httpBatchLink,
  type HTTPHeaders,
  type Operation,
  type TRPCClient,
  type TRPCLink,
} from "@trpc/client";
import type { AppRouter } from "./api.ts";
import type { AuthLoginInput, RegisterRequest, User } from "./api.generated.ts";
import { SessionError } from "./errors.ts";
import { linkOf, sessionHeaders } from "./session-link.ts";
import { createSessionState, type SessionSnapshot, type SessionState } from "./session-state.ts";
import type { TabPlatform } from "./tabs.ts";

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
  /** Headers for each request. */
  headers?: HTTPHeaders | (() => HTTPHeaders | Promise<HTTPHeaders>);
  /** tRPC links between the session's link and the request. The last one may send the calls itself. */
  links?: readonly TRPCLink<AppRouter>[];
  /** What connects the tabs of a browser, by default the browser's own parts. `{}` for none. */
  tabs?: TabPlatform;
}

/** Who is signed in, in all tabs of the browser. */
export interface Session {
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
}

/** Calls per request; the server rejects larger batches. */
const maxBatchSize = 10;

/** Milliseconds after which a refresh that got no response fails, because all calls of all tabs wait for it. */
const refreshTimeout = 10_000;

/** The state and the client behind each session, which are not part of its interface. */
const parts = new WeakMap<Session, { state: SessionState; calls: TRPCClient<AppRouter> }>();

const partsOf = (session: Session) => {
  const found = parts.get(session);
  if (found === undefined) throw new TypeError("This session was not created by createSession");
  return found;
};

/** Returns the tRPC client whose calls belong to the session. */
export const callsOf = (session: Session): TRPCClient<AppRouter> => partsOf(session).calls;

/**
 * Returns the link of a session for a tRPC client of your own: it gives each call its token, renews it, and follows
 * sign-ins and sign-outs. The link that sends the calls needs `headers: sessionHeaders`.
 */
export const sessionLink = (session: Session): TRPCLink<AppRouter> =>
  linkOf(partsOf(session).state);

/** Creates a session without a client. `createClient` creates both. */
export const createSession = (options: SessionOptions): Session => {
  const url = `${options.url.replace(/\/+$/, "")}/trpc`;
  const page = (globalThis as { location?: { href: string } }).location?.href;
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
        ...(typeof options.headers === "function" ? await options.headers() : options.headers),
        ...sessionHeaders({ opList }),
      }),
    }),
  ];
  const plain = createTRPCClient<AppRouter>({ links: requestLinks });
  const state = createSessionState({
    name: `taskwire ${page?.startsWith("http") ? new URL(url, page).href : url}`,
    refresh: () => {
      const controller = new AbortController();
      const timer = setTimeout(
        () => controller.abort(new DOMException("The refresh got no response", "TimeoutError")),
        refreshTimeout,
      );
      return plain.auth.refresh
        .mutate(undefined, { signal: controller.signal })
        .finally(() => clearTimeout(timer));
    },
    loadUser: () => calls.auth.me.query(),
    onSignedOut: () => options.onSignedOut?.(),
    platform: options.tabs,
  });
  const calls = createTRPCClient<AppRouter>({ links: [linkOf(state), ...requestLinks] });

  const { getSnapshot, subscribe, restore } = state;
  const signIn: Session["signIn"] = async (credentials) => {
    await calls.auth.login.mutate(credentials);
    await restore();
    const { user } = getSnapshot();
    if (user === undefined) throw new SessionError("ended");
    return user;
  };
  const session: Session = {
    get status() {
      return getSnapshot().status;
    },
    get user() {
      return getSnapshot().user;
    },
    signIn,
    signUp: async ({ email, password, ...rest }) => {
      await calls.auth.register.mutate({ email, password, ...rest });
      return signIn({ email, password });
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
  };
  parts.set(session, { state, calls });
  return session;
};
