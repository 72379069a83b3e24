import type { Token, User } from "./api.generated.ts";
import { isApiError, retryDelay, SessionError } from "./errors.ts";
import { connectTabs, type TabMessage, type TabPlatform } from "./tabs.ts";
import { readToken } from "./token.ts";

/** What `useSyncExternalStore` reads: a new object for each change. */
export type SessionSnapshot =
  /** Whether somebody is signed in is not known yet. `error` is what the last attempt to find out failed with. */
  | { readonly status: "restoring"; readonly user: undefined; readonly error: unknown }
  | { readonly status: "signedIn"; readonly user: User; readonly error: undefined }
  | { readonly status: "signedOut"; readonly user: undefined; readonly error: undefined };

interface Expiry {
  /** When to renew the token, in milliseconds since 1970. */
  renewAt: number;
  /** When it expires, by this machine's clock. */
  expiresAt: number;
}

/** One sign-in of one user, as this tab knows it. A call belongs to the sign-in that it started in. */
export interface SignIn extends Expiry {
  readonly userId: string;
  sessionId: string;
  /** The access token: in memory only, because any script of the page could read it from storage. */
  token: string;
  user: User | undefined;
  /** Aborts when the sign-in ends. */
  readonly ended: AbortSignal;
  end: () => void;
  /** The request for the user, while it runs. */
  loading?: Promise<void> | undefined;
}

interface StateOptions {
  /** Identifies the backend among all that the pages of this origin use. */
  name: string;
  /** Requests a new token with the refresh cookie. */
  refresh: () => Promise<Token>;
  loadUser: () => Promise<User>;
  /** Called each time that a sign-in has ended. */
  onSignedOut: () => void;
  /** Replaces the browser's parts, for tests. */
  platform?: TabPlatform | undefined;
}

/** The client's session. The public part is `Session`; the link uses the rest. */
export type SessionState = ReturnType<typeof createSessionState>;

/** Milliseconds before the expiry at which a token is renewed, at most. */
const maxMargin = 60_000;

/** Returns whether the server rejected the cookie. After any other error, the next refresh may succeed. */
const isRejected = (error: unknown): boolean => isApiError(error) && error.data.httpStatus === 401;

const signedOut = { status: "signedOut", user: undefined, error: undefined } as const;

/** Creates the session of one tab. It knows nothing until it is restored from the refresh cookie. */
export const createSessionState = (options: StateOptions) => {
  const listeners = new Set<() => void>();
  let snapshot: SessionSnapshot = { status: "restoring", user: undefined, error: undefined };
  let isKnown = false;
  let current: SignIn | undefined;
  let renewal: Promise<void> | undefined;
  /** Failed attempts to restore, since the last success. */
  let failures = 0;
  let nextAttempt: unknown;
  /** When the browser's cookie changed last, as far as this tab knows. Messages of earlier changes are ignored. */
  let changedAt = 0;

  const publish = (error?: unknown): void => {
    if (current === undefined && isKnown) snapshot = signedOut;
    else if (current?.user === undefined)
      snapshot = { status: "restoring", user: undefined, error };
    else if (current.user === snapshot.user) return;
    else snapshot = { status: "signedIn", user: current.user, error: undefined };
    for (const listener of listeners) listener();
  };

  const end = (): void => {
    const before = current;
    current = undefined;
    if (isKnown && before === undefined) return;
    isKnown = true;
    before?.end();
    publish();
    if (before !== undefined) options.onSignedOut();
  };

  const postSession = (): void => {
    if (current === undefined) return;
    const { token, renewAt, expiresAt, user } = current;
    tabs.post({ type: "session", at: changedAt, token, renewAt, expiresAt, user });
  };

  const load = (signIn: SignIn): Promise<void> =>
    (signIn.loading ??= Promise.resolve()
      .then(() => options.loadUser())
      .then(
        (user) => {
          signIn.user = user;
          if (current !== signIn) return;
          publish();
          postSession();
        },
        (error: unknown) => {
          if (current === signIn) publish(error);
          throw error;
        },
      )
      .finally(() => {
        signIn.loading = undefined;
      }));

  /** Begins a sign-in with its first token, or gives the present sign-in of the same user a newer one. */
  const begin = (token: string, known?: Expiry & { user: User | undefined }): void => {
    const { userId, sessionId, lifetime } = readToken(token);
    if (current !== undefined && current.userId !== userId) end();
    isKnown = true;
    failures = 0;
    const expiresAt = known?.expiresAt ?? Date.now() + lifetime;
    const renewAt = known?.renewAt ?? expiresAt - Math.min(maxMargin, lifetime / 5);
    if (current === undefined) {
      const controller = new AbortController();
      current = {
        ...{ userId, sessionId, token, renewAt, expiresAt, user: known?.user },
        ended: controller.signal,
        end: () => controller.abort(new SessionError("ended")),
      };
    } else {
      Object.assign(current, { sessionId, token, renewAt, expiresAt });
      current.user ??= known?.user;
    }
    publish();
    if (current.user === undefined) load(current).catch(() => {});
  };

  const change = (): void => {
    changedAt = Math.max(Date.now(), changedAt + 1);
  };

  /** Ends the sign-in here and in all tabs. */
  const endEverywhere = (): void => {
    const sessionId = current?.sessionId;
    change();
    end();
    if (sessionId !== undefined) tabs.post({ type: "signedOut", at: changedAt, sessionId });
  };

  const tabs = connectTabs(
    options.name,
    (message: TabMessage) => {
      if (message.type === "ask") {
        if (current !== undefined && Date.now() < current.renewAt) postSession();
        return;
      }
      const isUserOnly = message.at === changedAt && current?.user === undefined;
      if (message.at <= changedAt && !isUserOnly) return;
      if (message.type === "session") {
        changedAt = message.at;
        begin(message.token, message);
      } else if (message.sessionId === current?.sessionId) {
        changedAt = message.at;
        end();
      }
    },
    options.platform,
  );

  /** Sends a refresh that belongs to a sign-in, or to none, and applies its outcome. */
  const exchange = async (
    before: SignIn | undefined,
    send: () => Promise<Token>,
  ): Promise<void> => {
    try {
      const { access_token: token } = await send();
      if (current !== before) throw new SessionError("ended");
      // The cookie belongs to another user now, who signed in in another tab.
      if (before !== undefined && readToken(token).userId !== before.userId) {
        end();
        throw new SessionError("ended");
      }
      change();
      begin(token);
      postSession();
    } catch (error) {
      if (isRejected(error) && current === before) endEverywhere();
      throw error;
    }
  };

  const renewOnce = async (): Promise<void> => {
    const before = current;
    const usedToken = before?.token;
    const isDone = (): boolean =>
      current !== before || (before === undefined ? isKnown : before.token !== usedToken);
    await tabs.exclusive(async (hasWaited) => {
      if (!isDone()) await tabs.ask(hasWaited);
      if (!isDone()) await exchange(before, options.refresh);
    });
  };

  const run = (work: () => Promise<void>): Promise<void> =>
    (renewal = work().finally(() => {
      renewal = undefined;
    }));

  /** Gets a new token, or learns that there is none. Concurrent calls share one request. */
  const renew = async (): Promise<void> => {
    try {
      await (renewal ?? run(renewOnce));
    } catch (error) {
      if (error instanceof SessionError) throw error;
      // Safe: tRPC's client rejects with its own error class only.
      if (!isRejected(error)) throw new SessionError("notRenewed", error as Error);
    }
  };

  /** Finds out whether the browser is signed in, and loads the user. While there are listeners, it tries until it succeeds. */
  const restore = async (): Promise<void> => {
    clearTimeout(nextAttempt as number | undefined);
    try {
      if (!isKnown) await renew();
      if (current !== undefined && current.user === undefined) await load(current);
    } catch (error) {
      publish(error);
      if (listeners.size > 0) nextAttempt = setTimeout(tryAgain, retryDelay(failures++, error));
      throw error;
    }
  };

  const tryAgain = (): void => {
    if (listeners.size > 0 && snapshot.status === "restoring") restore().catch(() => {});
  };

  return {
    getSnapshot: (): SessionSnapshot => snapshot,
    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      tryAgain();
      return () => listeners.delete(listener);
    },
    restore,
    renew,
    /** Returns the sign-in for a new call, with a token that has not expired: waits for a renewal that runs, or starts one. */
    ready: async (): Promise<SignIn | undefined> => {
      if (!isKnown) await renew();
      else if (renewal !== undefined || (current !== undefined && Date.now() >= current.renewAt)) {
        const before = current;
        await renew().catch((error: unknown) => {
          // The old token is still valid.
          if (before === undefined || before.ended.aborted || Date.now() >= before.expiresAt)
            throw error;
        });
      }
      if (current !== undefined && current.user === undefined) load(current).catch(() => {});
      return current;
    },
    current: (): SignIn | undefined => current,
    /** Runs an explicit `auth.refresh`, or waits for a renewal that runs. Returns the token. */
    refreshWith: async (send: () => Promise<Token>): Promise<string> => {
      await (renewal ?? run(() => tabs.exclusive(() => exchange(current, send))));
      if (current === undefined) throw new SessionError("ended");
      return current.token;
    },
    /** Runs a sign-in. */
    signInWith: <Result>(
      send: () => Promise<Result>,
      tokenOf: (result: Result) => string,
    ): Promise<Result> =>
      tabs.exclusive(async () => {
        const result = await send();
        change();
        begin(tokenOf(result));
        postSession();
        return result;
      }),
    /** Runs a sign-out, or another call that ends the session. */
    signOutWith: <Result>(send: () => Promise<Result>): Promise<Result> => {
      const before = current;
      return tabs.exclusive(async () => {
        // With an expired token, the server could not tell whose session the call is to end.
        if (before !== undefined && current === before && Date.now() >= before.renewAt)
          await exchange(before, options.refresh);
        if (current !== before) throw new SessionError("ended");
        const result = await send();
        if (current === before) endEverywhere();
        return result;
      });
    },
  };
};
