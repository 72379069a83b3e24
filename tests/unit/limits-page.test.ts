import { maxHeaderSize } from "node:http";
import { maxId } from "@taskwire/shared";
import { describe, expect, test } from "vitest";
import { textOf } from "../support/docs/documents.ts";

const page = textOf("docs/limits.md");

/** Returns the value of a constant in the code: a number, or a product or quotient of two numbers or constants there. */
const constantIn = (path: string, name: string): number => {
  const source = textOf(path);
  const definition = new RegExp(`\\b${name}(?: =|:) ([\\w]+)(?: ([*/]) (\\w+))?[,; }]`).exec(
    source,
  );
  if (definition === null) throw new Error(`${path} has no constant ${name}`);
  const valueOf = (text: string): number =>
    /^\d/.test(text) ? Number(text.replaceAll("_", "")) : constantIn(path, text);
  const [, first = "", operator, second = "1"] = definition;
  return operator === "/" ? valueOf(first) / valueOf(second) : valueOf(first) * valueOf(second);
};

const server = (path: string, name: string): number => constantIn(`server/src/${path}`, name);
const digits = (value: number): string => value.toLocaleString("en-US");
const seconds = (milliseconds: number): string => `${digits(milliseconds / 1000)} s`;
const kibibytes = (bytes: number): string => `${digits(bytes / 1024)} KiB`;
const postgres = (name: string): string => seconds(server("db/postgres.ts", name));
const app = (name: string): number => server("app.ts", name);

/** The bound of each row, as the code has it. */
const bounds: Record<string, string> = {
  "A call": seconds(server("rpc/middleware/deadline.ts", "maxCallTime")),
  "A connection to PostgreSQL": `${postgres("connect")} to open, or to wait for in the pool`,
  "Connections to PostgreSQL": `\`DB_POOL_MAX\`, and ${server("db/probe.ts", "max") === 1 ? "one" : "more"} for readiness`,
  "Calls of one user at once": `${server("deps.ts", "maxCallsAtOnce")}, or \`DB_POOL_MAX\` - 1 if that is less`,
  "Searches of one user at once":
    /searches: createTurns\((\d)\)/.exec(textOf("server/src/deps.ts"))?.[1] ?? "",
  "A lock in PostgreSQL": postgres("lock"),
  "A connection to PostgreSQL without a response": postgres("silence"),
  "A statement of the embedded database": seconds(server("db/embedded/orm.ts", "statementLimit")),
  "A statement in PostgreSQL": postgres("statement"),
  "An idle transaction in PostgreSQL": postgres("idleInTransaction"),
  "A deadlock or serialization failure": `${server("rpc/middleware/retry.ts", "maxAttempts")} attempts`,
  "`/health/ready`": `${seconds(server("db/readiness.ts", "maxCheckTime"))}; a result is valid for ${seconds(server("db/readiness.ts", "maxAge"))}`,
  "Password hashes in the queue": digits(server("security/hash-slots.ts", "maxQueued")),
  "The same, except those of sign-ins": digits(server("security/hash-slots.ts", "maxOther")),
  "Calls of one user that hash a password": `${/userTurns = createTurns\((\d)\)/.exec(textOf("server/src/security/hash-slots.ts"))?.[1]} at a time`,
  Sockets: digits(app("maxConnections")),
  "The headers of a request": `${kibibytes(maxHeaderSize)}, in ${seconds(app("headersTimeout"))}`,
  "Access tokens that a process remembers": digits(
    server("security/verified-tokens.ts", "maxTokens"),
  ),
  "Statements with a name, for a connection to PostgreSQL": digits(
    server("db/named-statements.ts", "maxNames"),
  ),
  "The header `Authorization: Bearer`": `${digits(server("http/call-context.ts", "maxAuthorizationLength"))} characters`,
  "The cookies `refresh_token` of a request": `The first ${server("http/refresh-cookie.ts", "maxTokens")} that differ and are not empty`,
  "The body of a request": `${kibibytes(app("bodyLimit"))}, in ${seconds(app("requestTimeout"))} with the headers`,
  "Requests of one socket without a response": digits(app("maxPipelined")),
  // What the socket guard does, not a number.
  "Unsent responses of one socket": "One",
  "A socket between two requests": "`KEEP_ALIVE_TIMEOUT`",
  "Sockets between two requests": digits(server("http/connections.ts", "maxIdle")),
  "A process that stops": "15 s, with `DRAIN_DELAY`",
  "A socket without traffic": seconds(app("connectionTimeout")),
  "Calls in a tRPC batch": digits(server("http/trpc-mount.ts", "maxBatchSize")),
  "A path segment": `${digits(app("maxParamLength"))} characters`,
  "Tags of a task": digits(server("services/task/tags.ts", "maxTags")),
  "A searched text": `${digits(constantIn("shared/src/schemas/task.ts", "maxSearchLength"))} code points`,
};

test("docs/limits.md has a row for each bound, with the value of the code", () => {
  const part = /^## Bounds$.*?^Every 503/ms.exec(page)?.[0] ?? "";
  const lines = part.split("\n").filter((line) => line.startsWith("| "));
  const rows = lines.slice(2).map((line) => line.split("|").map((cell) => cell.trim()));
  expect(Object.fromEntries(rows.map(([, name = "", bound]) => [name, bound]))).toEqual(bounds);
});

/** Further sentences of the page, with the values of the code. */
const sentences = [
  `| ${server("security/rate-limits.ts", "refreshesPerSession")} × \`RATE_LIMIT_REFRESH\` per minute and session`,
  `| ${server("security/rate-limits.ts", "attemptsPerAddress")} × \`RATE_LIMIT_LOGIN\` per hour`,
  `| ${server("security/rate-limits.ts", "attemptsPerAccount")} × \`RATE_LIMIT_LOGIN\` per hour`,
  `for up to ${digits(server("security/call-limits.ts", "maxKeys"))} users and addresses each`,
  `keeps up to ${digits(server("security/rate-limits.ts", "maxKeys"))} keys of each kind`,
  `does not respond within ${server("security/redis.ts", "commandTimeout")} ms`,
  `Requests are cut off after ${seconds(server("cli/stop.ts", "requests"))}, and the process is killed after ${seconds(server("cli/stop.ts", "stopping"))}`,
  `One statement reads at most ${digits(server("services/task/search.ts", "sliceSize"))} tasks`,
];

describe("docs/limits.md", () => {
  test.each(sentences)("says: %s", (sentence) => {
    expect(page.replaceAll(/\s+/g, " ")).toContain(sentence);
  });

  test("and docs/operations.md have the maximum of an id", () => {
    for (const name of ["docs/limits.md", "docs/operations.md"])
      expect(textOf(name)).toContain(digits(maxId));
  });
});
