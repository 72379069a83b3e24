import { AppError, type ErrorCode } from "@taskwire/shared";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Socket } from "node:net";
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

/** Translates an error that reaches Fastify's error handler into one of the table. */
export const errorFromHttp = (error: unknown): AppError => {
  if (!(error instanceof Error) || error instanceof AppError) return translateError(error);
  const { code = "", statusCode } = error as Partial<FastifyError>;
  const row = fastifyErrors[code];
  if (row !== undefined) {
    const { detail } = row;
    return new AppError(row.code, detail === undefined ? {} : { detail });
  }
  // A body that breaks off or does not parse has the status 400, whatever parser read it.
  if (statusCode === 400)
    return new AppError("VALIDATION_ERROR", { detail: "The body is not valid", cause: error });
  return translateError(error);
};

/** Sets the status and headers of an error response, and logs the cause, which the caller does not get. */
export const setErrorResponse = (
  error: AppError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  if (error.code === "INTERNAL_ERROR") request.log.error({ err: error.cause }, "Request failed");
  if (error.retryAfter !== undefined) reply.header("Retry-After", String(error.retryAfter));
  return reply.code(statusOf(error.code));
};

/** Answers errors and unknown paths in the contract's shape, whatever plugin they come from. */
export const registerErrors = (app: FastifyInstance): void => {
  app.setErrorHandler((thrown, request, reply) => {
    const error = errorFromHttp(thrown);
    return setErrorResponse(error, request, reply).send(error.body);
  });
  app.setNotFoundHandler(() => {
    throw new AppError("NOT_FOUND");
  });
};

/** Errors of Node's HTTP parser: the status line says more than the table's nearest code. */
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

/** Answers bytes that are not a valid HTTP request, in the contract's shape too. */
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
