import type { ErrorCode } from "@taskwire/shared";

// PostgreSQL's SQLSTATE classes and codes (Appendix A) that pass by themselves: 08 connection, 53 resources, 57P shutdown,
// 57014 statement timeout, 55P03 lock timeout, 40001 and 40P01 serialization and deadlock, 25P03 idle in transaction.
const passing = /^(?:08...|53...|57P..|57014|55P03|40001|40P01|25P0[34])$/;

const socketFaults = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
]);

// pg and its pool give these no code.
const messages =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|Cannot use a pool after calling end)/;

const isFault = (error: Error): boolean => {
  const code = "code" in error ? error.code : undefined;
  if (typeof code === "string" && (passing.test(code) || socketFaults.has(code))) return true;
  return messages.test(error.message);
};

/** Whether the database is away or overloaded, so that the same call may well succeed a little later. */
export const isDatabaseAway = (error: unknown): boolean => {
  // A driver's error may hide behind the ORM's, and a happy-eyeballs connect fails with several at once.
  const pending: unknown[] = [error];
  for (
    let next = pending.pop(), depth = 0;
    next !== undefined && depth < 10;
    next = pending.pop(), depth++
  ) {
    if (!(next instanceof Error)) continue;
    if (isFault(next)) return true;
    pending.push(next.cause, ...(next instanceof AggregateError ? next.errors : []));
  }
  return false;
};

interface Meaning {
  code: ErrorCode;
  field?: string;
}

/** What a constraint of the schema means to a caller whose statement runs into it. */
const meanings: Partial<Record<string, Meaning>> = {
  users_email_unique: { code: "EMAIL_ALREADY_EXISTS", field: "email" },
  tags_name_user_id_unique: { code: "TAG_ALREADY_EXISTS", field: "name" },
  // Whoever owns it was deleted while a token of theirs still lives.
  tags_user_id_foreign: { code: "INVALID_TOKEN" },
  tasks_user_id_foreign: { code: "INVALID_TOKEN" },
  // Deleted by another request between the look and the link.
  task_tag_link_task_id_foreign: { code: "TASK_NOT_FOUND" },
  task_tag_link_tag_id_foreign: { code: "TAG_NOT_FOUND" },
};

/** What a violated constraint is in the error table, if it is anything there. */
export const meaningOfConstraint = (error: unknown): Meaning | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { constraint } = error as Error & { constraint?: unknown };
  if (typeof constraint === "string" && Object.hasOwn(meanings, constraint)) {
    return meanings[constraint];
  }
  return error.cause === error ? undefined : meaningOfConstraint(error.cause);
};

/** Whether the database gave up on a statement only because of another one (serialization failure, deadlock). */
export const isConflict = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { code?: unknown };
  return code === "40001" || code === "40P01" || (error.cause !== error && isConflict(error.cause));
};
