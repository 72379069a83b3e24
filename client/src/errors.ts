import type { ErrorCode } from "@taskwire/shared/errors";
import { TRPCClientError } from "@trpc/client";
import type { AppRouter, ErrorData } from "./api.ts";

/** The error of a call that the server rejected: `data.code` is a code of the error table. */
export interface ApiError extends TRPCClientError<AppRouter> {
  readonly data: ErrorData;
}

/**
 * Returns whether the server rejected the call; false for a network failure, an aborted call and a `SessionError`.
 * @param code accepts only this code
 */
export const isApiError = (error: unknown, code?: ErrorCode): error is ApiError => {
  if (!(error instanceof TRPCClientError)) return false;
  // Safe: the server's error formatter gives every error this data (server/src/rpc/init.ts).
  const data = error.data as ErrorData | null | undefined;
  return data != null && (code === undefined || data.code === code);
};

/** Returns whether the server rejected the token. After any other error, the same token may be accepted later. */
export const isUnauthorized = (error: unknown): boolean =>
  isApiError(error) && error.data.httpStatus === 401;

/** The error of a call that could not be made as the user who was signed in when it started. */
export class SessionError extends TRPCClientError<AppRouter> {
  /**
   * `ended`: the user signed out, or another user signed in. Do not repeat the call.
   * `notRenewed`: the session is still there, but no token could be had; `cause` says why. A later call may succeed.
   */
  readonly reason: "ended" | "notRenewed";

  constructor(reason: "ended" | "notRenewed", cause?: Error) {
    super(
      reason === "ended"
        ? "The session of this call has ended"
        : `The session could not be renewed: ${cause?.message}`,
      cause && { cause },
    );
    // tRPC's constructor sets the prototype of its own class.
    Object.setPrototypeOf(this, SessionError.prototype);
    this.name = "SessionError";
    this.reason = reason;
  }
}

/** Returns the server's rejection of the call or of the renewal that the call needed, if there is one. */
const rejectionOf = (error: unknown): ApiError | undefined => {
  const rejected = error instanceof SessionError ? error.cause : error;
  return isApiError(rejected) ? rejected : undefined;
};

/** Returns whether no response of the server arrived: there was no connection, or a proxy responded in its place. */
export const isNetworkError = (error: unknown): boolean => {
  if (error instanceof SessionError && error.cause !== undefined)
    return isNetworkError(error.cause);
  if (!(error instanceof TRPCClientError) || isApiError(error)) return false;
  // fetch throws a TypeError, reading a proxy's page as JSON a SyntaxError.
  return (
    error.cause instanceof TypeError ||
    error.cause instanceof SyntaxError ||
    error.cause?.name === "TimeoutError"
  );
};

/** Returns the seconds after which the server allows another attempt, if it said so. */
export const retryAfterOf = (error: unknown): number | undefined =>
  rejectionOf(error)?.data.retryAfter;

/**
 * Returns whether a query may succeed later. For TanStack Query: `queries: { retry: shouldRetry }`.
 * Not for mutations: the server may have executed a call whose response was lost.
 * @param failures how many attempts have failed before this one, 0 or more; after three it returns false
 */
export const shouldRetry = (failures: number, error: unknown): boolean => {
  const code = rejectionOf(error)?.data.code;
  return (
    failures < 3 &&
    (isNetworkError(error) || code === "SERVICE_UNAVAILABLE" || code === "RATE_LIMIT_EXCEEDED")
  );
};

/**
 * Returns the milliseconds to wait before the next attempt: those of the server's Retry-After, or else 1, 2, 4 … 30 s.
 * For TanStack Query: `queries: { retryDelay }`.
 */
export const retryDelay = (failures: number, error: unknown): number =>
  1000 * (retryAfterOf(error) ?? Math.min(2 ** failures, 30));
