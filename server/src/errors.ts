import { AppError } from "@taskwire/shared";

/** An error that the operator of an executable can fix: its message says how, so no stack trace is shown. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/** An error's message, for a sentence that names the reason. */
export const reasonOf = (error: unknown): string => {
  // A host with several addresses fails with one error for each, and no message of its own.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return error instanceof Error ? error.message : String(error);
};

/**
 * A call that the server cannot answer now, and probably can a second later.
 * @param cause the reason, for the log only
 */
export const serviceUnavailable = (cause?: unknown): AppError =>
  new AppError("SERVICE_UNAVAILABLE", { retryAfter: 1, cause });
