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
import type { SessionState, SignIn } from "./session-state.ts";

/** The sign-in that a call belongs to, in the call's context. */
const key = "taskwire.signIn";

/** What tRPC's links pass to a function that returns headers: a single call, or those of a batch. */
interface Sent {
  op?: Operation;
  opList?: readonly Operation[];
}

/** Thrown for a batch with calls of two sign-ins, which nothing has sent. */
class MixedBatchError extends Error {}

/**
 * Returns the Authorization header for the calls of one request. For a link of your own that sends calls:
 * `httpBatchLink({ url, headers: sessionHeaders })`.
 */
export const sessionHeaders = ({ op, opList }: Sent): Record<string, string> => {
  const operations = opList ?? (op === undefined ? [] : [op]);
  // Safe: only the link below sets this key.
  const signIns = new Set(operations.map(({ context }) => context[key] as SignIn | undefined));
  if (signIns.size > 1) throw new MixedBatchError("Calls of two sessions in one request");
  const [signIn] = signIns;
  signIn?.ended.throwIfAborted();
  return signIn === undefined ? {} : { authorization: `Bearer ${signIn.token}` };
};

/** Rejects as soon as one of the signals aborts. */
const abortable = async <Result>(
  promise: Promise<Result>,
  signals: readonly (AbortSignal | null | undefined)[],
): Promise<Result> => {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signals.find((signal) => signal?.aborted)?.reason);
    for (const signal of signals) signal?.addEventListener("abort", stop);
    if (signals.some((signal) => signal?.aborted)) stop();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    for (const signal of signals) if (stop) signal?.removeEventListener("abort", stop);
  }
};

/** Returns whether the server rejected the access token: it has expired, or its session was revoked. */
const isTokenRejected = (error: unknown): boolean =>
  isApiError(error, "TOKEN_EXPIRED") || isApiError(error, "INVALID_TOKEN");

type Response = OperationResultEnvelope<unknown, TRPCClientError<AppRouter>>;

const dataOf = ({ result }: Response): unknown => ("data" in result ? result.data : undefined);

/**
 * Returns the link that gives each call the token of the sign-in it started in. It renews a rejected token once a call and
 * repeats the call, unless the sign-in has ended meanwhile: then the call fails with a `SessionError`.
 */
export const linkOf =
  (session: SessionState): TRPCLink<AppRouter> =>
  () =>
  ({ op, next }) =>
    observable((observer) => {
      let unsubscribe: (() => void) | undefined;
      const send = (signIn = session.current()): Promise<Response> =>
        new Promise((resolve, reject) => {
          const context = { ...op.context, [key]: signIn };
          unsubscribe = next({ ...op, context }).subscribe({
            next: resolve,
            error: reject,
          }).unsubscribe;
        });

      const sendWithToken = async (signIn: SignIn, mayRenew: boolean): Promise<Response> => {
        const usedToken = signIn.token;
        try {
          return await abortable(send(signIn), [op.signal, signIn.ended]);
        } catch (error) {
          if (error instanceof TRPCClientError && error.cause instanceof MixedBatchError)
            return sendWithToken(signIn, mayRenew);
          if (!mayRenew || !isTokenRejected(error)) throw error;
          if (signIn.token === usedToken) await abortable(session.renew(), [op.signal]);
          if (signIn.ended.aborted) throw error;
          return sendWithToken(signIn, false);
        }
      };

      const call = async (): Promise<Response> => {
        const before = session.current();
        const signIn = await abortable(session.ready(), [op.signal]);
        if (before !== undefined && signIn !== before) throw new SessionError("ended");
        return signIn === undefined ? send() : sendWithToken(signIn, true);
      };

      // Safe: both procedures have this output.
      const tokenOf = (response: Response): Token => dataOf(response) as Token;
      const run = async (): Promise<Response> => {
        switch (op.path) {
          case "auth.register":
            return send();
          case "auth.login":
            return session.signInWith(send, (response) => tokenOf(response).access_token);
          case "auth.refresh": {
            const data = {
              access_token: await session.refreshWith(async () => tokenOf(await send())),
              token_type: "bearer",
            };
            return { result: { type: "data", data } };
          }
          case "auth.logout":
            return session.signOutWith(send);
          case "auth.deleteAccount":
            return session.signOutWith(call);
          default:
            return call();
        }
      };

      abortable(run(), [op.signal]).then(
        (response) => {
          observer.next(response);
          observer.complete();
        },
        (error: unknown) => observer.error(TRPCClientError.from(error as Error)),
      );
      return () => unsubscribe?.();
    });
