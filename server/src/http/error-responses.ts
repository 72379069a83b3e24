import { AppError, type ErrorCode } from "@taskwire/shared";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Socket } from "node:net";
import { recordOf } from "../log/request-record.ts";
import { statusOf, translateError } from "../rpc/translate-error.ts";

interface ErrorRow {
  code: ErrorCode;
  detail?: string;
}

const invalidJson: ErrorRow = { code: "VALIDATION_ERROR", detail: "The body is not valid JSON" };

/** Fastify's own errors by their codes: https://fastify.dev/docs/latest/Reference/Errors/ */
const fastifyErrors: Partial<Record<string, ErrorRow>> = {
  FST_ERR_BAD_URL: { code: "NOT_FOUND" },
  FST_ERR_MAX_PARAM_LENGTH: { code: "NOT_FOUND" },
  FST_ERR_NOT_FOUND: { code: "NOT_FOUND" },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: "UNSUPPORTED_MEDIA_TYPE" },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: "PAYLOAD_TOO_LARGE" },
  FST_ERR_CTP_EMPTY_JSON_BODY: invalidJson,
  FST_ERR_CTP_INVALID_JSON_BODY: invalidJson,
};

/** The nearest codes of the table for the statuses of other errors, such as those of plugins. */
const nearestCodes: Partial<Record<number, ErrorCode>> = {
  403: "NOT_FOUND",
  404: "NOT_FOUND",
  405: "METHOD_NOT_ALLOWED",
  410: "NOT_FOUND",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
};

/** Returns the error of the table for an error that reaches Fastify's error handler. */
export const errorFromHttp = (error: unknown): AppError => {
  if (!(error instanceof Error) || error instanceof AppError) return translateError(error);
  // Safe for any error: both fields may be absent.
  const { code = "", statusCode = 500 } = error as Partial<FastifyError>;
  const row = fastifyErrors[code];
  if (row !== undefined) {
    const { detail } = row;
    return new AppError(row.code, detail === undefined ? {} : { detail });
  }
  // The request is at fault, such as a body that is incomplete (400), or a range past the end of a file (416).
  if (statusCode >= 400 && statusCode < 500)
    return new AppError(nearestCodes[statusCode] ?? "VALIDATION_ERROR", { cause: error });
  return translateError(error);
};

/** Sets the status and headers of an error response. Logs the cause, which the response does not contain. */
export const setErrorResponse = (
  error: AppError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const record = recordOf(request);
  // rpc/middleware/errors.ts has logged the error of a call.
  const isOfCall = record.calls.some(({ code }) => code === error.code);
  if (!isOfCall) record.code = error.code;
  if (error.code === "INTERNAL_ERROR" && !isOfCall)
    request.log.error({ err: error.cause }, "Request failed");
  if (error.retryAfter !== undefined) reply.header("Retry-After", String(error.retryAfter));
  return reply.code(statusOf(error.code));
};

/** The methods that some path has. Any other is rejected on every path, known or not. */
const knownMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Formats all errors as the contract says, those of plugins and unknown paths included. */
export const registerErrors = (app: FastifyInstance): void => {
  app.setErrorHandler((thrown, request, reply) => {
    const error = errorFromHttp(thrown);
    return setErrorResponse(error, request, reply).send(error.body);
  });
  app.setNotFoundHandler(({ method }, reply) => {
    if (knownMethods.includes(method)) throw new AppError("NOT_FOUND");
    reply.header("Allow", knownMethods.join(", "));
    throw new AppError("METHOD_NOT_ALLOWED");
  });
};

/** Errors of Node's HTTP parser. Their statuses are more exact than those of the nearest codes in the table. */
const parserErrors: Partial<Record<string, ErrorRow & { status: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: "408 Request Timeout",
    code: "VALIDATION_ERROR",
    detail: "The request took too long to arrive",
  },
  HPE_HEADER_OVERFLOW: {
    status: "431 Request Header Fields Too Large",
    code: "PAYLOAD_TOO_LARGE",
    detail: "Request headers are too large",
  },
};

/** Responds to bytes that are not a valid HTTP request, in the contract's error format too, and closes the socket. */
export const answerClientError = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const { status, code, detail } = parserErrors[error.code ?? ""] ?? {
    status: "400 Bad Request",
    code: "VALIDATION_ERROR",
    detail: "The request is not valid HTTP",
  };
  const body = JSON.stringify({ detail, code });
  const head = [
    `HTTP/1.1 ${status}`,
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  if (socket.writable) socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.destroySoon();
};
