import { AppError } from "@taskwire/shared";

/** An error that the operator can fix. Executables print its message, which says how, without a stack trace. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/** Returns the message of an error, to be quoted as the reason in another message. */
export const reasonOf = (error: unknown): string => {
  // Connecting to a host with several addresses fails with one error for each address, and no message of its own.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return error instanceof Error ? error.message : String(error);
};

/**
 * Returns SERVICE_UNAVAILABLE with `Retry-After: 1`, for a failure that probably passes within a second.
 * @param cause the reason, for the log only
 */
export const serviceUnavailable = (cause?: unknown): AppError =>
  new AppError("SERVICE_UNAVAILABLE", { retryAfter: 1, cause });
