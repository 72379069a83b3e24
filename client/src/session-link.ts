import {
  type Operation,
  type OperationResultEnvelope,
  TRPCClientError,
  type TRPCLink,
} from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { AppRouter } from "./api.ts";
import type { Token } from "./api.generated.ts";
import { isApiError, SessionError } from "./errors.ts";
import type { SessionSnapshot, SignIn } from "./sign-in.ts";

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

/** The sign-in that a call belongs to, in the call's context. */
const key = "taskwire.signIn";

/** What tRPC's links pass to a function that returns headers: a single call, or those of a batch. */
interface Sent {
  op?: Operation;
  opList?: readonly Operation[];
}

/**
 * Returns the Authorization header for the calls of one request. For a link of your own that sends calls:
 * `httpBatchLink({ url, headers: sessionHeaders })`.
 */
export const sessionHeaders = ({ op, opList }: Sent): Record<string, string> => {
  const operations = opList ?? [op].filter((single) => single !== undefined);
  // Safe: only the link below sets this key.
  const signIns = operations.map(({ context }) => context[key] as SignIn | undefined);
  const [signIn] = signIns;
  // Calls of an ended sign-in are aborted before a request, so this rejects no other call.
  if (signIn?.over.signal.aborted || signIns.some((other) => other !== signIn))
    throw new SessionError("ended");
  return signIn === undefined ? {} : { authorization: `Bearer ${signIn.token}` };
};

/** Rejects as soon as one of the signals aborts. */
const abortable = <Result>(
  promise: Promise<Result>,
  signals: readonly (AbortSignal | null | undefined)[],
): Promise<Result> => {
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      const stop = (): void => reject(signal?.reason);
      if (signal?.aborted) stop();
      signal?.addEventListener("abort", stop, { signal: done.signal });
    }
  });
  return Promise.race([promise, aborted]).finally(() => done.abort());
};

/** Returns whether the server rejected the access token: it has expired, or its session was revoked. */
const isTokenRejected = (error: unknown): boolean =>
  isApiError(error, "TOKEN_EXPIRED") || isApiError(error, "INVALID_TOKEN");

type Response = OperationResultEnvelope<unknown, TRPCClientError<AppRouter>>;

/** The token in the response to `auth.login` and `auth.refresh`. */
const tokenOf = ({ result }: Response): Token =>
  // Safe: both procedures have this output.
  (result as { data: Token }).data;

/**
 * Returns the link that gives each call the token of the sign-in it started in. It renews a rejected token once a call and
 * repeats the call, unless the sign-in has ended meanwhile: then the call fails with a `SessionError`.
 */
export const sessionLink =
  (session: SessionState): TRPCLink<AppRouter> =>
  () =>
  ({ op, next }) =>
    observable((observer) => {
      let unsubscribe: (() => void) | undefined;
      const send = (signIn: SignIn | undefined): Promise<Response> =>
        new Promise((resolve, reject) => {
          const context = { ...op.context, [key]: signIn };
          unsubscribe = next({ ...op, context }).subscribe({
            next: resolve,
            error: reject,
            complete: () => reject(new Error("The links returned no result")),
          }).unsubscribe;
        });

      const sendWithToken = async (signIn: SignIn, mayRenew: boolean): Promise<Response> => {
        const usedToken = signIn.token;
        try {
          return await abortable(send(signIn), [op.signal, signIn.over.signal]);
        } catch (error) {
          if (!mayRenew || !isTokenRejected(error) || signIn.over.signal.aborted) throw error;
          if (signIn.token === usedToken) await abortable(session.renew(), [op.signal]);
          if (signIn.over.signal.aborted) throw error;
          return sendWithToken(signIn, false);
        }
      };

      const call = async (): Promise<Response> => {
        const before = session.current();
        // Another tab may sign in before the request is sent: this call is not that user's.
        if (session.getSnapshot().status === "signedOut") return send(undefined);
        const signIn = await abortable(session.ready(), [op.signal]);
        if (before !== undefined && signIn !== before) throw new SessionError("ended");
        return signIn === undefined ? send(undefined) : sendWithToken(signIn, true);
      };

      const sendNow = (): Promise<Response> => send(session.current());
      const run = async (): Promise<Response> => {
        switch (op.path) {
          case "auth.register":
            return sendNow();
          case "auth.login":
            return session.signInWith(sendNow, tokenOf);
          case "auth.refresh": {
            await session.renew();
            const access_token = session.current()?.token;
            // Without a session, the server says why.
            return access_token === undefined
              ? session.signInWith(sendNow, tokenOf)
              : { result: { type: "data", data: { access_token, token_type: "bearer" } } };
          }
          case "auth.logout":
            // With an expired token, the server could not tell whose session the call is to end.
            if (session.current()) await session.ready();
            return session.signOutWith(sendNow);
          case "auth.deleteAccount": {
            const response = await call();
            session.end();
            return response;
          }
          default:
            return call();
        }
      };

      const respond = async (): Promise<void> => {
        try {
          observer.next(await abortable(run(), [op.signal]));
          observer.complete();
        } catch (error) {
          observer.error(TRPCClientError.from(error as Error));
        }
      };
      void respond();
      return () => unsubscribe?.();
    });
