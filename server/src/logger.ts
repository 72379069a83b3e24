import { type DestinationStream, type Logger, pino } from "pino";
import { plainOutput } from "./log/output.ts";

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

/** Characters of a message and of a stack, and entries of a list: a line has at most about 100 kB. */
const [maxMessage, maxStack, maxEntries] = [2000, 8000, 10];

const loggedValue = (value: unknown): unknown =>
  Array.isArray(value) ? value.slice(0, maxEntries) : value;

/** Describes an error and its causes for the log, without the rows and parameters that a database error quotes. */
const describeError = (error: unknown, depth = 0): unknown => {
  if (!(error instanceof Error)) return error === undefined ? undefined : { message: typeof error };
  const fields: Record<string, unknown> = {
    type: error.name,
    message: withoutRows(error.message).slice(0, maxMessage),
  };
  for (const key of loggedFields) {
    if (key in error) fields[key] = loggedValue(Reflect.get(error, key));
  }
  fields["stack"] = withoutRows(error.stack ?? "").slice(0, maxStack);
  if (error.cause !== undefined && depth < 5)
    fields["cause"] = describeError(error.cause, depth + 1);
  if (error instanceof AggregateError)
    fields["errors"] = error.errors
      .slice(0, maxEntries)
      .map((each) => describeError(each, depth + 1));
  return fields;
};

/**
 * Creates the server's log, which writes one JSON line for each event.
 * @param destination where the lines go; standard output by default
 * @param traceFields returns fields for each line, of the trace that it belongs to
 */
export const createLogger = (
  level: string,
  destination: DestinationStream = plainOutput(),
  traceFields?: () => object,
): Logger => {
  const options = {
    level,
    base: null,
    ...(traceFields === undefined ? {} : { mixin: traceFields }),
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: {
      err: (error: unknown) => describeError(error),
      // Fastify's own lines would quote the URL.
      req: () => undefined,
      res: () => undefined,
    },
  };
  return pino(options, destination);
};
