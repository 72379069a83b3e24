import type { Token, User } from "./api.generated.ts";
import { isApiError, SessionError } from "./errors.ts";
import { createSignInStore, isOlderThan, type SessionSnapshot, type SignIn } from "./sign-in.ts";
import { connectTabs, type TabMessage, type TabPlatform } from "./tabs.ts";
import { readToken } from "./token.ts";

interface StateOptions {
  /** Identifies the backend among all that the pages of this origin use. */
  name: string;
  /** Requests a new token with the refresh cookie. */
  refresh: () => Promise<Token>;
  loadUser: () => Promise<User>;
  onSignedOut: () => void;
  platform: TabPlatform | undefined;
}

/** The client's session. The public part is `Session`; the link uses the rest. */
export interface SessionState {
  getSnapshot: () => SessionSnapshot;
  subscribe: (listener: () => void) => () => void;
  /** Finds out whether the browser is signed in, and loads the user. While there are listeners, it tries until it succeeds. */
  restore: () => Promise<void>;
  current: () => SignIn | undefined;
  /** Returns the sign-in for a new call, with a token that has not expired: waits for a renewal that runs, or starts one. */
  ready: () => Promise<SignIn | undefined>;
  /** Gets a new token, or learns that there is none. Concurrent calls share one request. */
  renew: () => Promise<void>;
  /** Runs a call that returns the token of a session. */
  signInWith: <Result>(
    send: () => Promise<Result>,
    tokenOf: (result: Result) => Token,
  ) => Promise<Result>;
  /** Runs a sign-out. */
  signOutWith: <Result>(send: () => Promise<Result>) => Promise<Result>;
  /** Ends the sign-in here and in all tabs. */
  end: () => void;
}

/** The part of a token's lifetime after which the next call renews it: 14 of 15 minutes. */
const renewalAge = 14 / 15;

/** Milliseconds between attempts to restore a session that something listens to. */
const retryInterval = 5000;

/** Returns whether the server rejected the cookie. After any other error, the next refresh may succeed. */
const isRejected = (error: unknown): boolean => isApiError(error) && error.data.httpStatus === 401;

/** Creates the session of one tab. It knows nothing until it is restored from the refresh cookie. */
export const createSessionState = (options: StateOptions): SessionState => {
  /** When the browser's cookie changed last, as far as this tab knows. Messages of earlier changes are ignored. */
  let changedAt = 0;
  let renewal: Promise<void> | undefined;
  let nextAttempt: ReturnType<typeof setTimeout> | undefined;

  const postSession = (): void => {
    if (store.current === undefined) return;
    const { token, at, user } = store.current;
    tabs.post({ type: "session", token, at, user });
  };

  const store = createSignInStore({ ...options, onUser: postSession });

  const tabs = connectTabs(
    options.name,
    (message: TabMessage) => {
      const { current } = store;
      if (message.type === "ask") {
        if (current !== undefined && !isOlderThan(current, renewalAge)) postSession();
      } else if (message.at < changedAt) return;
      else if (message.type === "session") {
        changedAt = message.at;
        store.begin(message.token, message.at, message.user);
      } else if (message.sessionId === current?.sessionId) {
        changedAt = message.at;
        store.end();
      }
    },
    options.platform,
  );

  /** Records that the cookie has changed. */
  const change = (): number => (changedAt = Math.max(Date.now(), changedAt + 1));

  const begin = (token: string): void => {
    store.begin(token, change());
    postSession();
  };

  /** Ends the sign-in here and in all tabs. */
  const endEverywhere = (): void => {
    const sessionId = store.current?.sessionId;
    store.end();
    if (sessionId !== undefined) tabs.post({ type: "signedOut", at: change(), sessionId });
  };

  /** Sends a refresh that belongs to a sign-in, or to none, and applies its outcome. */
  const exchange = async (before: SignIn | undefined): Promise<void> => {
    try {
      const { access_token: token } = await options.refresh();
      // The cookie may belong to another user now, who signed in in another tab.
      if (store.current === before && before && readToken(token).userId !== before.userId)
        store.end();
      if (store.current !== before) throw new SessionError("ended");
      begin(token);
    } catch (error) {
      if (isRejected(error) && store.current === before) endEverywhere();
      throw error;
    }
  };

  const exchangeOnce = async (): Promise<void> => {
    const before = store.current;
    // An explicit refresh of a signed-out tab: calls wait for its outcome.
    if (before === undefined && store.isKnown) {
      store.isKnown = false;
      store.publish();
    }
    const usedToken = before?.token;
    const isDone = (): boolean =>
      store.current !== before ||
      (before === undefined ? store.isKnown : before.token !== usedToken);
    await tabs.exclusive(async () => {
      if (!isDone()) await tabs.ask();
      if (!isDone()) await exchange(before);
    });
  };

  const renew = async (): Promise<void> => {
    try {
      await (renewal ??= exchangeOnce().finally(() => {
        renewal = undefined;
      }));
    } catch (error) {
      if (error instanceof SessionError) throw error;
      // Safe: tRPC's client rejects with its own error class only.
      if (!isRejected(error)) throw new SessionError("notRenewed", error as Error);
    }
  };

  const restore = async (): Promise<void> => {
    clearTimeout(nextAttempt);
    try {
      if (!store.isKnown) await renew();
      await store.load();
    } catch (error) {
      store.publish(error);
      if (store.listeners.size > 0) nextAttempt = setTimeout(restoreForListeners, retryInterval);
      throw error;
    }
  };

  const restoreForListeners = (): void => {
    if (store.listeners.size > 0 && store.snapshot.status === "restoring")
      restore().catch(() => {});
  };

  return {
    getSnapshot: () => store.snapshot,
    subscribe: (listener) => {
      store.listeners.add(listener);
      restoreForListeners();
      return () => store.listeners.delete(listener);
    },
    restore,
    current: () => store.current,
    ready: async () => {
      const before = store.current;
      if (!store.isKnown) await renew();
      else if (renewal !== undefined || (before !== undefined && isOlderThan(before, renewalAge))) {
        await renew().catch((error: unknown) => {
          // While the old token is valid, a failed renewal is no reason to fail the call.
          if (before === undefined || before.over.signal.aborted || isOlderThan(before, 1))
            throw error;
        });
      }
      store.load().catch(store.publish);
      return store.current;
    },
    renew,
    end: endEverywhere,
    signInWith: (send, tokenOf) =>
      tabs.exclusive(async () => {
        const result = await send();
        begin(tokenOf(result).access_token);
        return result;
      }),
    signOutWith: (send) => {
      const before = store.current;
      return tabs.exclusive(async () => {
        if (store.current !== before) throw new SessionError("ended");
        const result = await send();
        if (store.current === before) endEverywhere();
        return result;
      });
    },
  };
};
