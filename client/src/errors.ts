import type { ErrorCode } from "@taskwire/shared/errors";
import { isTRPCClientError, type TRPCClientError } from "@trpc/client";
import type { AppRouter, ErrorData } from "./api.ts";

/** The error of a call that the server rejected: `data.code` is a code of the error table. */
export interface ApiError extends TRPCClientError<AppRouter> {
  readonly data: ErrorData;
}

/**
 * Returns whether the server sent this error; false for a network failure or an aborted call.
 * @param code accepts only this code
 */
export const isApiError = (error: unknown, code?: ErrorCode): error is ApiError =>
  isTRPCClientError<AppRouter>(error) &&
  error.data != null &&
  (code === undefined || error.data.code === code);
