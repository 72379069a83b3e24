import type { User } from "./api.generated.ts";
import { SessionError } from "./errors.ts";
import { readToken, type TokenContent } from "./token.ts";

/** What `useSyncExternalStore` reads: a new object for each change. */
export type SessionSnapshot =
  /** Whether a user is signed in is not known yet. `error` is what the last attempt to find out failed with. */
  | { readonly status: "restoring"; readonly user?: undefined; readonly error?: unknown }
  | { readonly status: "signedIn"; readonly user: User; readonly error?: undefined }
  | { readonly status: "signedOut"; readonly user?: undefined; readonly error?: undefined };

/** One sign-in of one user, as this tab knows it. A call belongs to the sign-in that it started in. */
export interface SignIn extends TokenContent {
  /** The access token: in memory only, because any script of the page could read it from storage. */
  token: string;
  /** When the token arrived, in milliseconds since 1970, by this machine's clock. */
  at: number;
  user?: User | undefined;
  /** Aborted when the sign-in ends. */
  readonly over: AbortController;
  /** The request for the user, while it runs. */
  loading?: Promise<void> | undefined;
}

/** Returns whether the token has expired, by this machine's clock. */
export const isExpired = ({ at, lifetime }: SignIn): boolean => Date.now() >= at + lifetime;

/** Returns whether to renew the token at the next call: in the last of its 15 minutes. */
export const isStale = ({ at, lifetime }: SignIn): boolean =>
  Date.now() >= at + (lifetime * 14) / 15;

interface Options {
  loadUser: () => Promise<User>;
  /** Called when the user of the sign-in has arrived. */
  onUser: () => void;
  /** Called each time that a sign-in has ended. */
  onSignedOut: () => void;
}

/** The sign-in of one tab, and what its listeners see of it. */
export interface SignInStore {
  /** Whether `current` is true for the browser, not only the lack of an answer. */
  isKnown: boolean;
  current: SignIn | undefined;
  snapshot: SessionSnapshot;
  readonly listeners: Set<() => void>;
  /** Updates the snapshot, and calls the listeners. */
  publish: (error?: unknown) => void;
  /** Begins a sign-in with its first token, or gives the present sign-in of the same user a newer one. */
  begin: (token: string, at: number, user?: User) => void;
  end: () => void;
  /** Loads the user of the present sign-in, if it is missing. Concurrent calls share one request. */
  load: () => Promise<void>;
}

/** Creates the store of a tab that does not know yet whether the browser is signed in. */
export const createSignInStore = ({ loadUser, onUser, onSignedOut }: Options): SignInStore => {
  const store: SignInStore = {
    isKnown: false,
    current: undefined,
    snapshot: { status: "restoring" },
    listeners: new Set(),
    publish: (error) => {
      const { current, snapshot } = store;
      const user = current?.user;
      if (user !== undefined && user === snapshot.user) return;
      if (user !== undefined) store.snapshot = { status: "signedIn", user };
      else if (current === undefined && store.isKnown) store.snapshot = { status: "signedOut" };
      else store.snapshot = { status: "restoring", error };
      for (const listener of store.listeners) listener();
    },
    begin: (token, at, user) => {
      const content = readToken(token);
      if (store.current !== undefined && store.current.userId !== content.userId) store.end();
      store.isKnown = true;
      const current = (store.current ??= { ...content, token, at, over: new AbortController() });
      Object.assign(current, content, { token, at });
      current.user ??= user;
      store.publish();
      store.load().catch(store.publish);
    },
    end: () => {
      const { current } = store;
      store.current = undefined;
      store.isKnown = true;
      current?.over.abort(new SessionError("ended"));
      store.publish();
      if (current !== undefined) onSignedOut();
    },
    load: async () => {
      const { current } = store;
      if (current === undefined || current.user !== undefined) return;
      const request = async (): Promise<void> => {
        try {
          current.user = await loadUser();
          if (store.current !== current) return;
          store.publish();
          onUser();
        } catch (error) {
          current.loading = undefined;
          throw error;
        }
      };
      // Not at once, because the request asks for the user again before it is recorded here.
      await (current.loading ??= Promise.resolve().then(request));
    },
  };
  return store;
};
