/** The tRPC codes that the table uses. The HTTP status is computed from them. */
type TransportCode =
  | "BAD_REQUEST"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "METHOD_NOT_SUPPORTED"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "UNPROCESSABLE_CONTENT"
  | "TOO_MANY_REQUESTS"
  | "INTERNAL_SERVER_ERROR"
  | "SERVICE_UNAVAILABLE";

interface ErrorRow {
  /** The tRPC code of the error. */
  readonly trpc: TransportCode;
  /** The public sentence, the same for all callers. */
  readonly detail: string;
}

/** The error table (CONTRACT.md, "Errors"): each code with its tRPC code and its public sentence. */
export const errors = {
  EMAIL_ALREADY_EXISTS: {
    trpc: "BAD_REQUEST",
    detail: "A user with this email already exists",
  },
  PASSWORD_TOO_SHORT: {
    trpc: "BAD_REQUEST",
    detail: "Password must be at least 8 characters",
  },
  INVALID_EMAIL: { trpc: "BAD_REQUEST", detail: "Please provide a valid email address" },
  INVALID_TITLE: { trpc: "BAD_REQUEST", detail: "Title is required and must be 1-200 characters" },
  DESCRIPTION_TOO_LONG: {
    trpc: "BAD_REQUEST",
    detail: "Description cannot exceed 1000 characters",
  },
  INVALID_PRIORITY: { trpc: "BAD_REQUEST", detail: "Priority must be low, medium, or high" },
  INVALID_DUE_DATE: {
    trpc: "BAD_REQUEST",
    detail: "Due date must be a valid ISO 8601 datetime",
  },
  INVALID_RECURRENCE_RULE: {
    trpc: "BAD_REQUEST",
    detail: "Recurrence rule must be a valid iCalendar RRULE",
  },
  INVALID_TAG_NAME: {
    trpc: "BAD_REQUEST",
    detail: "Tag name is required and must be 1-50 characters",
  },
  INVALID_COLOR: {
    trpc: "BAD_REQUEST",
    detail: "Color must be a valid hex color (e.g., #FF5733)",
  },
  TAG_ALREADY_EXISTS: { trpc: "BAD_REQUEST", detail: "A tag with this name already exists" },
  INVALID_PAGINATION: { trpc: "BAD_REQUEST", detail: "Page and limit must be positive integers" },
  INVALID_STATUS: {
    trpc: "BAD_REQUEST",
    detail: "Status must be one of: all, pending, completed",
  },
  INVALID_SORT_FIELD: {
    trpc: "BAD_REQUEST",
    detail: "Sort field must be one of: due_date, priority, created_at, title",
  },
  INVALID_CREDENTIALS: { trpc: "UNAUTHORIZED", detail: "Invalid email or password" },
  MISSING_TOKEN: { trpc: "UNAUTHORIZED", detail: "Authentication required" },
  TOKEN_EXPIRED: { trpc: "UNAUTHORIZED", detail: "Access token has expired" },
  INVALID_TOKEN: { trpc: "UNAUTHORIZED", detail: "Invalid authentication token" },
  INVALID_TOKEN_TYPE: {
    trpc: "UNAUTHORIZED",
    detail: "Invalid token type for this operation",
  },
  MISSING_REFRESH_TOKEN: { trpc: "UNAUTHORIZED", detail: "Refresh token not found" },
  REFRESH_TOKEN_EXPIRED: {
    trpc: "UNAUTHORIZED",
    detail: "Refresh token has expired. Please log in again",
  },
  FORBIDDEN_ORIGIN: { trpc: "FORBIDDEN", detail: "Request origin is not allowed" },
  TASK_NOT_FOUND: { trpc: "NOT_FOUND", detail: "Task not found" },
  TAG_NOT_FOUND: { trpc: "NOT_FOUND", detail: "Tag not found" },
  NOT_FOUND: { trpc: "NOT_FOUND", detail: "Not found" },
  METHOD_NOT_ALLOWED: { trpc: "METHOD_NOT_SUPPORTED", detail: "Method not allowed" },
  PAYLOAD_TOO_LARGE: { trpc: "PAYLOAD_TOO_LARGE", detail: "Request body is too large" },
  UNSUPPORTED_MEDIA_TYPE: {
    trpc: "UNSUPPORTED_MEDIA_TYPE",
    detail: "Unsupported content type",
  },
  VALIDATION_ERROR: { trpc: "UNPROCESSABLE_CONTENT", detail: "The request is not valid" },
  RATE_LIMIT_EXCEEDED: {
    trpc: "TOO_MANY_REQUESTS",
    detail: "Too many authentication attempts. Please try again later",
  },
  INTERNAL_ERROR: { trpc: "INTERNAL_SERVER_ERROR", detail: "Internal server error" },
  SERVICE_UNAVAILABLE: {
    trpc: "SERVICE_UNAVAILABLE",
    detail: "Service temporarily unavailable",
  },
} as const satisfies Record<string, ErrorRow>;

/** A code of the error table. */
export type ErrorCode = keyof typeof errors;

// Object.keys types its result as string[]; the table's keys are exactly the codes.
export const errorCodes = Object.keys(errors) as ErrorCode[];

/** The public part of an error: the body of a REST error response, and the core of `error.data` of a tRPC client. */
export interface ErrorBody {
  code: ErrorCode;
  detail: string;
  /** The first invalid field, by the name that the caller used. */
  field?: string;
}

interface AppErrorOptions {
  /** The name of the first invalid field. */
  field?: string | undefined;
  /** Replaces the sentence of the table. Only VALIDATION_ERROR uses it, to describe the fault. */
  detail?: string;
  /** Seconds until the caller may retry, 1 or more; sent as `Retry-After`. */
  retryAfter?: number;
  /** The cause, for the log only. */
  cause?: unknown;
}

/** An error with a code of the table. Services throw it, and callers receive its public part. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(
      options.detail ?? errors[code].detail,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.code = code;
    this.field = options.field;
    this.retryAfter = options.retryAfter;
  }

  get detail(): string {
    return this.message;
  }

  get body(): ErrorBody {
    const { code, detail, field } = this;
    return field === undefined ? { detail, code } : { detail, code, field };
  }
}
