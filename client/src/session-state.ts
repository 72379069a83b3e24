import type { Token, User } from "./api.generated.ts";
import { isUnauthorized, retryAfterOf, SessionError } from "./errors.ts";
import type { SessionState } from "./session-link.ts";
import { createSignInStore, isExpired, isStale, type SignIn } from "./sign-in.ts";
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

/** Seconds between attempts to restore a session that something listens to, unless the server says how long to wait. */
const retryInterval = 5;

/** Creates the session of one tab. It knows nothing until it is restored from the refresh cookie. */
export const createSessionState = (options: StateOptions): SessionState => {
  /** When the browser's cookie changed last, as far as this tab knows. Messages of earlier changes are ignored. */
  let changedAt = 0;
  /** Whether the server said that the cookie belongs to no session. Other tabs need not ask again. */
  let isCookieRejected = false;
  let renewal: Promise<void> | undefined;
  let nextAttempt: ReturnType<typeof setTimeout> | undefined;

  const postSession = (): void => {
    if (store.current === undefined) return;
    const { token, at, user } = store.current;
    tabs.post({ type: "session", token, at, user });
  };

  const postSignedOut = (sessionId: string | undefined): void =>
    tabs.post({ type: "signedOut", at: changedAt, sessionId });

  const store = createSignInStore({ ...options, onUser: postSession });

  const tabs = connectTabs(
    options.name,
    (message: TabMessage) => {
      const { current } = store;
      if (message.type === "ask") {
        if (current !== undefined && !isStale(current)) postSession();
        else if (current === undefined && isCookieRejected) postSignedOut(undefined);
      } else if (message.at < changedAt) return;
      else if (message.type === "session") {
        changedAt = message.at;
        isCookieRejected = false;
        store.begin(message.token, message.at, message.user);
      } else if (message.sessionId === current?.sessionId) {
        changedAt = message.at;
        isCookieRejected = true;
        store.end();
      }
    },
    options.platform,
  );

  /** Records that the cookie has changed. */
  const change = (): number => (changedAt = Math.max(Date.now(), changedAt + 1));

  const begin = (token: string): void => {
    isCookieRejected = false;
    store.begin(token, change());
    postSession();
  };

  /** Ends the sign-in here and in all tabs. */
  const endEverywhere = (): void => {
    const sessionId = store.current?.sessionId;
    isCookieRejected = true;
    change();
    store.end();
    postSignedOut(sessionId);
  };

  /** Sends a refresh that belongs to a sign-in, or to none, and applies its outcome. */
  const exchange = async (before: SignIn | undefined): Promise<void> => {
    try {
      const { access_token: token } = await options.refresh();
      // The cookie may belong to another user now, who signed in in another tab.
      if (store.current === before && before && readToken(token).userId !== before.userId)
        store.end();
      if (store.current === before) begin(token);
      // A tab without a sign-in may have got one from another tab meanwhile.
      else if (before !== undefined) throw new SessionError("ended");
    } catch (error) {
      if (isUnauthorized(error) && store.current === before) endEverywhere();
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
      if (!isUnauthorized(error)) throw new SessionError("notRenewed", error as Error);
    }
  };

  const restore = async (): Promise<void> => {
    clearTimeout(nextAttempt);
    try {
      if (!store.isKnown) await renew();
      await store.load();
    } catch (error) {
      store.publish(error);
      const seconds = retryAfterOf(error) ?? retryInterval;
      if (store.listeners.size > 0) nextAttempt = setTimeout(restoreForListeners, 1000 * seconds);
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
      else if (renewal !== undefined || (before !== undefined && isStale(before))) {
        await renew().catch((error: unknown) => {
          // While the old token is valid, a failed renewal is no reason to fail the call.
          if (before === undefined || before.over.signal.aborted || isExpired(before)) throw error;
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
