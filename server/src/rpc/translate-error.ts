import { AppError, type ErrorCode, errors } from "@taskwire/shared";
import { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { ZodError } from "zod";
import { isDatabaseUnavailable, isUnstorable, meaningOfConstraint } from "../db/failures.ts";
import { serviceUnavailable } from "../errors.ts";

/** Returns the HTTP status of a code, computed from its tRPC code. */
export const statusOf = (code: ErrorCode): number =>
  getHTTPStatusCodeFromError(new TRPCError({ code: errors[code].trpc }));

const sentences: Partial<Record<string, string>> = {
  string: "must be a string",
  number: "must be a number",
  int: "must be an integer",
  boolean: "must be true or false",
  object: "must be an object",
};

const problemOf = (issue: ZodError["issues"][number]): string => {
  if (issue.code !== "invalid_type") return issue.message;
  if (issue.input === undefined && issue.message.endsWith("received undefined"))
    return "is required";
  return sentences[issue.expected] ?? "has the wrong type";
};

const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === "string" && Object.hasOwn(errors, code);

/** Translates the first issue: zod reports them in the schema's order, and the contract requires the first. */
const fromIssues = (
  { issues }: ZodError,
  fieldNames: Readonly<Record<string, string>>,
): AppError => {
  const [issue] = issues;
  const name = issue?.path[0];
  if (issue === undefined || typeof name !== "string") {
    return new AppError("VALIDATION_ERROR", { detail: "The input must be an object" });
  }
  const field = fieldNames[name] ?? name;
  const code: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
  if (isErrorCode(code) && code !== "VALIDATION_ERROR") return new AppError(code, { field });
  return new AppError("VALIDATION_ERROR", { field, detail: `${field} ${problemOf(issue)}` });
};

/** Translates an error that tRPC itself raises before or after a procedure. */
const fromTrpc = (error: TRPCError): AppError | undefined => {
  switch (error.code) {
    case "BAD_REQUEST":
    case "PARSE_ERROR":
      return new AppError("VALIDATION_ERROR", {
        detail: "The request is not valid JSON, or no valid call",
      });
    case "NOT_FOUND":
      return new AppError("NOT_FOUND");
    case "METHOD_NOT_SUPPORTED":
      return new AppError("METHOD_NOT_ALLOWED");
    case "UNSUPPORTED_MEDIA_TYPE":
      return new AppError("UNSUPPORTED_MEDIA_TYPE");
    case "PAYLOAD_TOO_LARGE":
      return new AppError("PAYLOAD_TOO_LARGE");
    default:
      return undefined;
  }
};

/**
 * Returns the error of the table for any error. An unknown error becomes INTERNAL_ERROR, with its cause for the log only.
 * @param error anything that was thrown in or outside a procedure
 * @param fieldNames the transport's names of input fields, by the schema's names
 */
export const translateError = (
  error: unknown,
  fieldNames: Readonly<Record<string, string>> = {},
): AppError => {
  if (error instanceof AppError) return error;
  if (error instanceof TRPCError) {
    if (error.cause instanceof AppError) return error.cause;
    if (error.code === "BAD_REQUEST" && error.cause instanceof ZodError)
      return fromIssues(error.cause, fieldNames);
    return fromTrpc(error) ?? translateError(error.cause);
  }
  const meaning = meaningOfConstraint(error);
  if (meaning !== undefined) {
    return new AppError(meaning.code, { field: meaning.field, cause: error });
  }
  if (isUnstorable(error)) {
    return new AppError("VALIDATION_ERROR", { detail: "A value cannot be stored", cause: error });
  }
  if (isDatabaseUnavailable(error)) return serviceUnavailable(error);
  return new AppError("INTERNAL_ERROR", { cause: error });
};
