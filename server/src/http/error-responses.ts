import { AppError, type ErrorCode } from "@taskwire/shared";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Socket } from "node:net";
import { statusOf, translate } from "../rpc/translate-error.ts";

interface Refusal {
  code: ErrorCode;
  detail?: string;
}

const notJson: Refusal = { code: "VALIDATION_ERROR", detail: "The body is not valid JSON" };

/** Fastify's own refusals, by its error codes: https://fastify.dev/docs/latest/Reference/Errors/ */
const refusals: Partial<Record<string, Refusal>> = {
  FST_ERR_BAD_URL: { code: "NOT_FOUND" },
  FST_ERR_MAX_PARAM_LENGTH: { code: "NOT_FOUND" },
  FST_ERR_NOT_FOUND: { code: "NOT_FOUND" },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: "UNSUPPORTED_MEDIA_TYPE" },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: "PAYLOAD_TOO_LARGE" },
  FST_ERR_CTP_EMPTY_JSON_BODY: notJson,
  FST_ERR_CTP_INVALID_JSON_BODY: notJson,
};

/** Whatever reaches Fastify's error handler, as an error of the table. */
export const fromHttp = (error: unknown): AppError => {
  if (!(error instanceof Error) || error instanceof AppError) return translate(error);
  const { code = "", statusCode } = error as Partial<FastifyError>;
  const refusal = refusals[code];
  if (refusal !== undefined) {
    const { detail } = refusal;
    return new AppError(refusal.code, detail === undefined ? {} : { detail });
  }
  // A body that breaks off or does not parse has the status 400, whatever parser found it out.
  if (statusCode === 400)
    return new AppError("VALIDATION_ERROR", { detail: "The body is not valid", cause: error });
  return translate(error);
};

/** Sets the status and headers of a refusal, and logs what the caller will not see. */
export const refuse = (
  error: AppError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  if (error.code === "INTERNAL_ERROR") request.log.error({ err: error.cause }, "A request failed");
  if (error.retryAfter !== undefined) reply.header("Retry-After", String(error.retryAfter));
  return reply.code(statusOf(error.code));
};

/** Errors and unknown paths in the contract's shape, whatever plugin they come from. */
export const registerErrors = (app: FastifyInstance): void => {
  app.setErrorHandler((error, request, reply) => {
    const refusal = fromHttp(error);
    return refuse(refusal, request, reply).send(refusal.body);
  });
  app.setNotFoundHandler(() => {
    throw new AppError("NOT_FOUND");
  });
};

/** What Node's HTTP parser refuses: its status line says more than the table's nearest code. */
const parserRefusals: Partial<Record<string, Refusal & { status: string }>> = {
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

/** Answers what is not HTTP enough to become a request, in the contract's shape too. */
export const answerClientError = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const { status, code, detail } = parserRefusals[error.code ?? ""] ?? {
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
