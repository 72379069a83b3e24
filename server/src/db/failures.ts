import type { ErrorCode } from "@taskwire/shared";
import { isNameLost } from "./named-statements.ts";

/** Groups of PostgreSQL's SQLSTATE codes (its manual, Appendix A); every code is in one group at most. */
const states = {
  /** Cancelled because of a concurrent transaction: serialization failure, deadlock. */
  conflict: /^40(?:001|P01)$/,
  /**
   * Connection, resources, shutdown, read-only standby, time-outs of statement, lock and transaction. Also a sequence at
   * its end: an operator has to act, but other tables work.
   */
  unavailable: /^(?:08...|53...|57P..|25006|57014|55P03|25P0[34]|2200H)$/,
  /** A value that cannot be stored: too long, out of range, not a date, an invalid character or pattern. */
  unstorable: /^22(?:0(?:01|03|07|08|09|19|21|25)|01[BWX]|P0[235])$/,
  /** The statement names what does not exist: column, object, function, table, schema, index of ON CONFLICT. */
  missing: /^(?:42703|42704|42883|42P01|42P10|3F000)$/,
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

// Messages of pg and its pool, whose errors have no code.
const messages =
  /^(?:Connection terminated|timeout e(?:xceeded when trying to connect|xpired)|Client (?:has encountered a connection error|was closed)|Query read timeout|Cannot use a pool after calling end)/;

type DatabaseFault = Error & { code?: unknown; severity?: unknown; constraint?: unknown };

/**
 * Returns an error and its causes, at most 10: the ORM wraps the driver's error, and a connection to a host with several
 * addresses fails with one error for each.
 */
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

const hasState = (state: keyof typeof states, { code }: DatabaseFault): boolean =>
  typeof code === "string" && states[state].test(code);

/**
 * Returns whether a statement failed only because of a concurrent transaction, or because PostgreSQL does not know its
 * name, so that it can be retried at once.
 */
export const isConflict = (error: unknown): boolean =>
  causesOf(error).some((cause) => hasState("conflict", cause) || isNameLost(cause));

/** Returns whether a statement waited for a lock longer than its time-out, or for ever in a deadlock. */
export const isLockTimeout = (error: unknown): boolean =>
  isConflict(error) || causesOf(error).some(({ code }) => code === "55P03");

/** Returns whether the database rejected a value, which a request schema should have rejected before. */
export const isUnstorable = (error: unknown): boolean =>
  causesOf(error).some((cause) => hasState("unstorable", cause));

/** Returns whether a statement needs a part of the schema that does not exist, such as a table or a column. */
export const isSchemaMissing = (error: unknown): boolean =>
  causesOf(error).some((cause) => hasState("missing", cause));

/** Returns whether the database is unavailable or overloaded, so that the same call will probably succeed later. */
export const isDatabaseUnavailable = (error: unknown): boolean =>
  causesOf(error).some(
    (cause) =>
      hasState("unavailable", cause) ||
      hasState("conflict", cause) ||
      // FATAL, whatever the code: the server closed the session or did not open it.
      cause.severity === "FATAL" ||
      (typeof cause.code === "string" && socketFaults.has(cause.code)) ||
      messages.test(cause.message),
  );

interface Meaning {
  code: ErrorCode;
  field?: string;
}

/** The API error for a violated constraint. */
const meanings: Partial<Record<string, Meaning>> = {
  users_email_unique: { code: "EMAIL_ALREADY_EXISTS", field: "email" },
  tags_name_user_id_unique: { code: "TAG_ALREADY_EXISTS", field: "name" },
  tasks_priority_check: { code: "INVALID_PRIORITY", field: "priority" },
  // The user was deleted, but an access token of theirs is still valid.
  tags_user_id_foreign: { code: "INVALID_TOKEN" },
  tasks_user_id_foreign: { code: "INVALID_TOKEN" },
  // The row was deleted by a concurrent request.
  task_tag_link_task_id_foreign: { code: "TASK_NOT_FOUND" },
  task_tag_link_tag_id_foreign: { code: "TAG_NOT_FOUND" },
};

/** Returns the API error for a violated constraint, or undefined if the table above has none. */
export const meaningOfConstraint = (error: unknown): Meaning | undefined => {
  for (const { constraint } of causesOf(error)) {
    if (typeof constraint === "string" && Object.hasOwn(meanings, constraint)) {
      return meanings[constraint];
    }
  }
  return undefined;
};
