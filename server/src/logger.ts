import { type FastifyReply, type FastifyRequest, LogController } from "fastify";
import { type DestinationStream, type Logger, pino } from "pino";

/** Fields of an error that the log contains. Others, such as `detail` and `query`, may contain user data. */
const loggedFields = [
  "code",
  "errcode",
  "severity",
  "constraint",
  "schema",
  "table",
  "column",
  "routine",
  "issues",
] as const;

// PostgreSQL quotes whole rows in its details, including password hashes, and the ORM appends details to messages.
const withoutRows = (text: string): string =>
  text.replace(/(Failing row contains|Key) \(.*/g, "$1 (…)");

/** Describes an error and its causes for the log, without the rows and parameters that a database error quotes. */
const describeError = (error: unknown, depth = 0): unknown => {
  if (!(error instanceof Error)) return error === undefined ? undefined : { message: typeof error };
  const fields: Record<string, unknown> = { type: error.name, message: withoutRows(error.message) };
  for (const key of loggedFields) {
    if (key in error) fields[key] = Reflect.get(error, key);
  }
  fields["stack"] = withoutRows(error.stack ?? "");
  if (error.cause !== undefined && depth < 5)
    fields["cause"] = describeError(error.cause, depth + 1);
  if (error instanceof AggregateError)
    fields["errors"] = error.errors.map((each) => describeError(each, depth + 1));
  return fields;
};

// A query string may contain search terms, or a token that a client put there by mistake.
const pathOf = ({ url }: FastifyRequest): string => url.split("?", 1)[0] ?? "";

/** Writes one line for each completed request, without headers, query or body. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: "request_id" });
  }

  override incomingRequest(): void {}

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const { method, ip: address } = request;
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    const line = { method, path: pathOf(request), status: reply.statusCode, ms, address };
    if (error) request.log.error({ ...line, err: error }, "Response interrupted");
    else request.log.info(line, "Request completed");
  }
}

/** Bytes that wait for standard output. Above them, lines are lost. */
const maxUnwritten = 1_048_576;

/** Returns standard output. When its reader goes away (EPIPE) or its terminal closes (EIO), lines are lost without an error. */
const standardOutput = (): DestinationStream => {
  const stream = pino.destination({ dest: 1, sync: true, maxLength: maxUnwritten });
  // pino itself ignores EPIPE only, and any other error would stop the process.
  stream.on("error", () => {});
  return stream;
};

/**
 * Creates the server's log, which writes one JSON line for each event.
 * @param destination where the lines go; standard output by default
 */
export const createLogger = (
  level: string,
  destination: DestinationStream = standardOutput(),
): Logger => {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: {
      err: (error: unknown) => describeError(error),
      req: (request: FastifyRequest) => ({ method: request.method, path: pathOf(request) }),
      res: (reply: FastifyReply) => ({ status: reply.statusCode }),
    },
  };
  return pino(options, destination);
};
