import { dateTime, registerInput } from "@taskwire/shared";
import { sql } from "kysely";
import { z } from "zod";
import type { Database } from "../db/orm.ts";
import { OperatorError } from "../errors.ts";
import { bcryptHash } from "../security/password-hashing.ts";

/** Lines for each statement. */
const batchSize = 500;

/** Bytes in a line; more is another kind of file, which need not fill the memory before that is told. */
const maxLineBytes = 1_048_576;

const importedUser = z.object(
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
  /** Nothing where the bytes are not UTF-8. */
  text: string | undefined;
}

/** What became of some lines. */
export interface Imported {
  made: number;
  /** Accounts with this id and this address, whose hash may well be a newer one: they were left alone. */
  present: number;
  refused: { line: number; reason: string }[];
}

// It also takes off a byte order mark.
const utf8 = new TextDecoder("utf-8", { fatal: true });

const decode = (bytes: Buffer): string | undefined => {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
};

// Not readline, which takes U+2028 in a JSON string for the end of the line.
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

/** The first fault of a line, without anything that is in it. */
const reasonOf = ({ issues }: z.ZodError): string => {
  const [issue] = issues;
  const [field] = issue?.path ?? [];
  if (field === undefined) return issue?.message ?? "";
  const wrongType = issue?.code === "invalid_type";
  return `${String(field)} ${wrongType ? "is missing or of the wrong type" : issue?.message}`;
};

const keyOf = ({ id, email }: { id: string; email: string }): string => `${id} ${email}`;

/** Inserts who is new; gives the keys of those. */
const insert = async (db: Database, users: readonly ImportedUser[]): Promise<Set<string>> => {
  const made = await db
    .insertInto("users")
    .values(users.map((user) => ({ ...user, name: user.name ?? null })))
    .onConflict((conflict) => conflict.doNothing())
    .returning(["id", "email"])
    .execute();
  return new Set(made.map(keyOf));
};

/** The addresses of the accounts that have the users' ids. */
const emailsOf = async (db: Database, users: readonly ImportedUser[]) => {
  const ids = users.map(({ id }) => id);
  const lower = sql<string>`lower(email)`.as("email");
  const rows = await db.selectFrom("users").select(["id", lower]).where("id", "in", ids).execute();
  return new Map(rows.map(({ id, email }) => [id, email]));
};

const importBatch = async (db: Database, lines: readonly Line[]): Promise<Imported> => {
  const result: Imported = { made: 0, present: 0, refused: [] };
  const read = lines.map(({ number, text }) => ({
    number,
    ...importedUser.safeParse(parseJson(text)),
  }));
  const users = read.flatMap(({ data }) => data ?? []);
  const made = users.length === 0 ? new Set() : await insert(db, users);
  const emails = made.size === users.length ? new Map() : await emailsOf(db, users);
  for (const { number, data: user, error } of read) {
    const refuse = (reason: string) => result.refused.push({ line: number, reason });
    if (user === undefined) refuse(reasonOf(error));
    // Only the first of two equal lines made the account.
    else if (made.delete(keyOf(user))) result.made++;
    else if (emails.get(user.id) === user.email) result.present++;
    else if (emails.has(user.id)) refuse("id belongs to an account with another email");
    else refuse("email belongs to an account with another id");
  }
  return result;
};

/**
 * Makes accounts of JSON lines, each with id, email, password_hash (bcrypt), name and created_at, batch by batch, and
 * gives what became of each batch: what is given is stored. Doing it again changes nothing.
 * @param chunks the bytes of a file of any size; CRLF, blank lines and a byte order mark do not matter
 * @throws {OperatorError} when a line is longer than 1 MiB
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
