import { isApiError, isNetworkError } from "@taskwire/client";

/** Returns a sentence for the user. */
const messageOf = (error: unknown): string => {
  if (isApiError(error)) return error.data.detail;
  if (isNetworkError(error)) return "The server does not respond. Check your connection.";
  return "Something went wrong. Please try again.";
};

/** Shows an error, if there is one, and reads it aloud. */
export const ErrorMessage = ({ error, onRetry }: { error: unknown; onRetry?: () => void }) =>
  error != null && (
    <div className="error" role="alert">
      <p>{messageOf(error)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
