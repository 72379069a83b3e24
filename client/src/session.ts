import type { TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { AppRouter } from "./api.ts";
import { isApiError } from "./errors.ts";

/** Who is signed in, for as long as this object lives: the access token is nowhere but in its memory. */
export interface Session {
  accessToken: string | undefined;
  /** A new access token for the cookie; however many calls ask at once, one request is made. */
  renew: () => Promise<void>;
  end: () => void;
}

interface SessionOptions {
  /** Asks the server for a new access token. */
  refresh: () => Promise<{ access_token: string }>;
  onSignedOut: () => void;
}

export const createSession = ({ refresh, onSignedOut }: SessionOptions): Session => {
  let renewal: Promise<void> | undefined;
  const session: Session = {
    accessToken: undefined,
    renew: () => (renewal ??= renew().finally(() => (renewal = undefined))),
    end: () => {
      const wasSignedIn = session.accessToken !== undefined;
      session.accessToken = undefined;
      if (wasSignedIn) onSignedOut();
    },
  };
  const renew = async (): Promise<void> => {
    try {
      ({ access_token: session.accessToken } = await refresh());
    } catch (error) {
      // A refusal is final; a network that is away, a limit or an overload is not.
      if (isApiError(error) && error.data.httpStatus === 401) session.end();
      throw error;
    }
  };
  return session;
};

const signsIn = new Set(["auth.login", "auth.refresh"]);
const signsOut = new Set(["auth.logout", "auth.deleteAccount"]);

const learn = (session: Session, path: string, result: object): void => {
  if (signsOut.has(path)) session.end();
  if (!signsIn.has(path) || !("data" in result)) return;
  // The declared output of both procedures.
  session.accessToken = (result.data as { access_token: string }).access_token;
};

/** Whether the access token was refused: it has expired, or its session has ended, which the renewal will tell. */
const isStale = (path: string, error: unknown): boolean =>
  !signsIn.has(path) && (isApiError(error, "TOKEN_EXPIRED") || isApiError(error, "INVALID_TOKEN"));

/** Keeps the session by what passes through: learns tokens, renews an expired one once and repeats the call. */
export const sessionLink =
  (session: Session): TRPCLink<AppRouter> =>
  () =>
  ({ op, next }) =>
    observable((observer) => {
      let subscription: { unsubscribe: () => void } | undefined;
      let isCancelled = false;
      const attempt = (mayRenew: boolean): void => {
        const used = session.accessToken;
        const again = (): void => {
          if (!isCancelled) attempt(false);
        };
        subscription = next(op).subscribe({
          next: (answer) => {
            learn(session, op.path, answer.result);
            observer.next(answer);
          },
          error: (error) => {
            if (!mayRenew || !isStale(op.path, error)) observer.error(error);
            // Another call has renewed it while this one was on its way.
            else if (session.accessToken !== used) again();
            else session.renew().then(again, () => observer.error(error));
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
