import type { ErrorCode } from "@taskwire/shared";
import { isTRPCClientError, type TRPCClientError } from "@trpc/client";
import type { AppRouter, ErrorData } from "./api.ts";

/** A call that the server refused: `data.code` is one of the error table's. */
export interface ApiError extends TRPCClientError<AppRouter> {
  readonly data: ErrorData;
}

/**
 * Whether an error is the server's refusal, as against a network that is away or a call that was aborted.
 * @param code only this refusal
 */
export const isApiError = (error: unknown, code?: ErrorCode): error is ApiError =>
  isTRPCClientError<AppRouter>(error) &&
  error.data != null &&
  (code === undefined || error.data.code === code);
