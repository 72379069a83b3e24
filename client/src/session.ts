import type { TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { AppRouter } from "./api.ts";
import { isApiError } from "./errors.ts";

/** The client's sign-in. The access token is in memory only, so that no script can read it from storage. */
export interface Session {
  /** Undefined while signed out. */
  accessToken: string | undefined;
  /** Gets a new access token with the refresh cookie. Concurrent calls share one request. */
  renew: () => Promise<void>;
  /** Forgets the access token, and reports the sign-out if there was one. */
  clear: () => void;
}

interface SessionOptions {
  /** Requests a new access token from the server. */
  refresh: () => Promise<{ access_token: string }>;
  /** Called each time that a sign-in is cleared. */
  onSignedOut: () => void;
}

/** Creates a session without an access token. */
export const createSession = ({ refresh, onSignedOut }: SessionOptions): Session => {
  let renewal: Promise<void> | undefined;
  const session: Session = {
    accessToken: undefined,
    renew: () => (renewal ??= renew().finally(() => (renewal = undefined))),
    clear: () => {
      const wasSignedIn = session.accessToken !== undefined;
      session.accessToken = undefined;
      if (wasSignedIn) onSignedOut();
    },
  };
  const renew = async (): Promise<void> => {
    try {
      ({ access_token: session.accessToken } = await refresh());
    } catch (error) {
      // Only 401 is final. After a network failure, a rate limit or an overload, a later renewal may succeed.
      if (isApiError(error) && error.data.httpStatus === 401) session.clear();
      throw error;
    }
  };
  return session;
};

const signInPaths = new Set(["auth.login", "auth.refresh"]);
const signOutPaths = new Set(["auth.logout", "auth.deleteAccount"]);

/** Updates the session after a successful call. */
const updateSession = (session: Session, path: string, result: object): void => {
  if (signOutPaths.has(path)) session.clear();
  if (!signInPaths.has(path) || !("data" in result)) return;
  // Both procedures declare this output.
  session.accessToken = (result.data as { access_token: string }).access_token;
};

/** Returns whether the server rejected the access token: it has expired, or its session was revoked. */
const isTokenRejected = (path: string, error: unknown): boolean =>
  !signInPaths.has(path) &&
  (isApiError(error, "TOKEN_EXPIRED") || isApiError(error, "INVALID_TOKEN"));

/** Returns a link that updates the session after each call, and renews a rejected token once, then repeats the call. */
export const sessionLink =
  (session: Session): TRPCLink<AppRouter> =>
  () =>
  ({ op, next }) =>
    observable((observer) => {
      let subscription: { unsubscribe: () => void } | undefined;
      let isCancelled = false;
      const attempt = (mayRenew: boolean): void => {
        const usedToken = session.accessToken;
        const retry = (): void => {
          if (!isCancelled) attempt(false);
        };
        subscription = next(op).subscribe({
          next: (response) => {
            updateSession(session, op.path, response.result);
            observer.next(response);
          },
          error: (error) => {
            if (!mayRenew || !isTokenRejected(op.path, error)) observer.error(error);
            // Another call renewed the token in the meantime.
            else if (session.accessToken !== usedToken) retry();
            else session.renew().then(retry, () => observer.error(error));
          },
          complete: () => observer.complete(),
        });
      };
      attempt(true);
      return () => {
        isCancelled = true;
        subscription?.unsubscribe();
      };
    });
