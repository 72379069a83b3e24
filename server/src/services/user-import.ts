import { dateTime, registerInput } from "@taskwire/shared";
import { sql } from "kysely";
import { z } from "zod";
import type { Database } from "../db/orm.ts";
import { OperatorError } from "../errors.ts";
import { bcryptHash } from "../security/password-hashing.ts";

/** Lines that one statement inserts. */
const batchSize = 500;

/** Bytes in a line. A longer one means another kind of file, which must not fill the memory. */
const maxLineBytes = 1_048_576;

/** A line of the file. */
export const importedUser = z.object(
  {
    id: z.guid("must be a UUID").toLowerCase(),
    email: registerInput.shape.email,
    password_hash: z
      .string()
      .regex(bcryptHash, "must be a bcrypt hash: $2a$ or $2b$, with 4 to 14 rounds"),
    name: registerInput.shape.name,
    created_at: dateTime("VALIDATION_ERROR", "must be an ISO 8601 date-time"),
  },
  "is not a JSON object in UTF-8",
);

type ImportedUser = z.output<typeof importedUser>;

interface Line {
  /** Counts from 1, blank lines too. */
  number: number;
  /** Undefined if the bytes are not UTF-8. */
  text: string | undefined;
}

/** The result of some lines. */
export interface Imported {
  created: number;
  /** Accounts that exist with this id and this address. They are not changed, because their hash may be newer. */
  existing: number;
  rejected: { line: number; reason: string }[];
}

// It also removes a byte order mark.
const utf8 = new TextDecoder("utf-8", { fatal: true });

const decode = (bytes: Buffer): string | undefined => {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
};

// Not readline, which ends a line at U+2028 too: JSON strings may contain it.
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let number = 0;
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
      yield { number: ++number, text: decode(rest.subarray(0, end)) };
      rest = rest.subarray(end + 1);
    }
    if (rest.length > maxLineBytes)
      throw new OperatorError(`Line ${number + 1} is over ${maxLineBytes} bytes: not JSON lines`);
  }
  yield { number: ++number, text: decode(rest) };
}

const parseJson = (text = ""): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Describes the first error of a line, without any text of the line. */
const describeError = ({ issues }: z.ZodError): string => {
  const [issue] = issues;
  const [field] = issue?.path ?? [];
  if (field === undefined) return issue?.message ?? "";
  const wrongType = issue?.code === "invalid_type";
  return `${String(field)} ${wrongType ? "is missing or of the wrong type" : issue?.message}`;
};

const keyOf = ({ id, email }: { id: string; email: string }): string => `${id} ${email}`;

/** Inserts the users whose id and address are both new, and returns their keys. */
const insert = async (db: Database, users: readonly ImportedUser[]): Promise<Set<string>> => {
  const inserted = await db
    .insertInto("users")
    .values(users.map((user) => ({ ...user, name: user.name ?? null })))
    .onConflict((conflict) => conflict.doNothing())
    .returning(["id", "email"])
    .execute();
  return new Set(inserted.map(keyOf));
};

/** Returns the addresses of the accounts that have the ids of these users, by id. */
const emailsOf = async (db: Database, users: readonly ImportedUser[]) => {
  const ids = users.map(({ id }) => id);
  const lower = sql<string>`lower(email)`.as("email");
  const rows = await db.selectFrom("users").select(["id", lower]).where("id", "in", ids).execute();
  return new Map(rows.map(({ id, email }) => [id, email]));
};

const importBatch = async (db: Database, lines: readonly Line[]): Promise<Imported> => {
  const result: Imported = { created: 0, existing: 0, rejected: [] };
  const parsed = lines.map(({ number, text }) => ({
    number,
    ...importedUser.safeParse(parseJson(text)),
  }));
  const users = parsed.flatMap(({ data }) => data ?? []);
  const created = users.length === 0 ? new Set() : await insert(db, users);
  const emails = created.size === users.length ? new Map() : await emailsOf(db, users);
  for (const { number, data: user, error } of parsed) {
    const reject = (reason: string) => result.rejected.push({ line: number, reason });
    if (user === undefined) reject(describeError(error));
    // Deleted from the set, because only the first of two equal lines created the account.
    else if (created.delete(keyOf(user))) result.created++;
    else if (emails.get(user.id) === user.email) result.existing++;
    else if (emails.has(user.id)) reject("id belongs to an account with another email");
    else reject("email belongs to an account with another id");
  }
  return result;
};

/**
 * Creates accounts from JSON lines, each with id, email, password_hash (bcrypt), name and created_at. It works in batches,
 * and yields the result of each one after it is stored. Importing a file again changes nothing.
 * @param chunks the bytes of a file of any size; it may have CRLF, blank lines and a byte order mark
 * @throws {OperatorError} if a line is longer than 1 MiB
 */
export async function* importUsers(
  db: Database,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Imported> {
  let batch: Line[] = [];
  for await (const line of linesOf(chunks)) {
    if (line.text?.trim() !== "") batch.push(line);
    if (batch.length < batchSize) continue;
    yield await importBatch(db, batch);
    batch = [];
  }
  if (batch.length > 0) yield await importBatch(db, batch);
}
