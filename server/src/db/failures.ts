import type { ErrorCode } from "@taskwire/shared";

/** What PostgreSQL's SQLSTATE (Appendix A) says of a failed statement, each code and class once. */
const states = {
  /** Given up in favour of another statement: serialization failure, deadlock. */
  conflict: /^40(?:001|P01)$/,
  /** Passes by itself: connection, resources, shutdown, a standby, time-outs of statement, lock and transaction. */
  away: /^(?:08...|53...|57P..|25006|57014|55P03|25P0[34])$/,
  /** A value that no column takes: too long, out of range, no date, a character or pattern that is none. */
  unstorable: /^22(?:0(?:01|03|07|08|09|19|21|25)|01[BWX]|P0[235])$/,
} as const;

const socketFaults = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EMFILE",
  "EPIPE",
  "ETIMEDOUT",
]);

// pg and its pool give these no code.
const messages =
  /^(?:Connection terminated|timeout e(?:xceeded when trying to connect|xpired)|Client (?:has encountered a connection error|was closed)|Query read timeout|Cannot use a pool after calling end)/;

type DatabaseFault = Error & { code?: unknown; severity?: unknown; constraint?: unknown };

/** The errors behind an error: the ORM's hides the driver's, and a happy-eyeballs connect fails with several at once. */
const causesOf = (error: unknown): DatabaseFault[] => {
  const causes: DatabaseFault[] = [];
  const pending: unknown[] = [error];
  while (pending.length > 0 && causes.length < 10) {
    const next = pending.shift();
    if (!(next instanceof Error)) continue;
    causes.push(next);
    pending.push(next.cause, ...(next instanceof AggregateError ? next.errors : []));
  }
  return causes;
};

const is = (state: keyof typeof states, { code }: DatabaseFault): boolean =>
  typeof code === "string" && states[state].test(code);

/** Whether the database gave up on a statement only because of another one, so that it may be tried again at once. */
export const isConflict = (error: unknown): boolean =>
  causesOf(error).some((cause) => is("conflict", cause));

/** Whether the database refused a value, which a schema should have stopped before. */
export const isUnstorable = (error: unknown): boolean =>
  causesOf(error).some((cause) => is("unstorable", cause));

/** Whether the database is away or overloaded, so that the same call may well succeed a little later. */
export const isDatabaseAway = (error: unknown): boolean =>
  causesOf(error).some(
    (cause) =>
      is("away", cause) ||
      is("conflict", cause) ||
      // Whatever its code: the server has ended the session, or never began it.
      cause.severity === "FATAL" ||
      (typeof cause.code === "string" && socketFaults.has(cause.code)) ||
      messages.test(cause.message),
  );

interface Meaning {
  code: ErrorCode;
  field?: string;
}

/** What a constraint of the schema means to a caller whose statement runs into it. */
const meanings: Partial<Record<string, Meaning>> = {
  users_email_unique: { code: "EMAIL_ALREADY_EXISTS", field: "email" },
  tags_name_user_id_unique: { code: "TAG_ALREADY_EXISTS", field: "name" },
  tasks_priority_check: { code: "INVALID_PRIORITY", field: "priority" },
  // Whoever owns it was deleted while a token of theirs still lives.
  tags_user_id_foreign: { code: "INVALID_TOKEN" },
  tasks_user_id_foreign: { code: "INVALID_TOKEN" },
  // Deleted by another request between the look and the link.
  task_tag_link_task_id_foreign: { code: "TASK_NOT_FOUND" },
  task_tag_link_tag_id_foreign: { code: "TAG_NOT_FOUND" },
};

/** What a violated constraint is in the error table, if it is anything there. */
export const meaningOfConstraint = (error: unknown): Meaning | undefined => {
  for (const { constraint } of causesOf(error)) {
    if (typeof constraint === "string" && Object.hasOwn(meanings, constraint)) {
      return meanings[constraint];
    }
  }
  return undefined;
};
