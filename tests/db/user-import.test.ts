import { randomUUID } from "node:crypto";
import { runHousekeeping } from "@taskwire/server/jobs/housekeeping.ts";
import { hasLegacyHashes } from "@taskwire/server/jobs/legacy-hash-watch.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import type { PasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import { importUsers } from "@taskwire/server/services/user-import.ts";
import bcrypt from "bcrypt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DirectCalls, startDirectCalls } from "../support/setup/direct-calls.ts";

const password = "correct horse";
const password_hash = await bcrypt.hash(password, 4);

let calls: DirectCalls;
let orm: Orm;
beforeAll(async () => {
  calls = await startDirectCalls();
  orm = calls.deps.orm;
});
afterAll(() => calls.close());

const newUser = (fields: object = {}) => ({
  id: randomUUID() as string,
  email: `${randomUUID()}@example.com`,
  password_hash,
  name: "Ada",
  created_at: "2024-05-06T07:08:09Z",
  ...fields,
});

/** Imports lines and returns the sum of the results. A text is a line as it is, anything else is written as JSON. */
const imported = async (lines: readonly unknown[], chunkSize = 65_536) => {
  const texts = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  const bytes = Buffer.from(texts.join("\n"));
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
  };
  const sum = { created: 0, existing: 0, rejected: [] as string[] };
  for await (const batch of importUsers(orm.em.fork().getKysely(), chunks())) {
    sum.created += batch.created;
    sum.existing += batch.existing;
    sum.rejected.push(...batch.rejected.map(({ line, reason }) => `${line}: ${reason}`));
  }
  return sum;
};

const rowOf = async (email: string) => {
  const columns = "id, password_hash, name, created_at = '2024-05-06T07:08:09Z' as dated";
  const [row] = await orm.em
    .fork()
    .execute(`select ${columns} from users where email = ?`, [email]);
  return row;
};

test("an imported account signs in with its bcrypt hash, which the sign-in replaces by argon2id; a second import changes nothing", async () => {
  const spellings = [
    newUser(),
    newUser({
      password_hash: password_hash.replace("$2b$", "$2a$"),
      id: randomUUID().toUpperCase(),
    }),
  ];
  expect(await imported(spellings)).toEqual({ created: 2, existing: 0, rejected: [] });
  expect(await hasLegacyHashes(orm)).toBe(true);
  for (const { id, email } of spellings) {
    const login = (secret: string) =>
      calls.caller().auth.login({ email: email.toUpperCase(), password: secret });
    const rejection = { cause: { code: "INVALID_CREDENTIALS" } };
    await expect(login("wrong horse")).rejects.toMatchObject(rejection);
    expect(await rowOf(email)).toMatchObject({ password_hash: expect.stringMatching(/^\$2/) });
    await login(password);
    const row = await rowOf(email);
    expect(row).toMatchObject({
      id: id.toLowerCase(),
      password_hash: expect.stringMatching(/^\$argon2id\$/),
      name: "Ada",
      dated: true,
    });
    await login(password);
    await expect(login("wrong horse")).rejects.toMatchObject(rejection);
    expect(await rowOf(email)).toEqual(row);
  }
  expect(await hasLegacyHashes(orm)).toBe(false);

  const rows = await Promise.all(spellings.map(({ email }) => rowOf(email)));
  expect(await imported(spellings)).toEqual({ created: 0, existing: 2, rejected: [] });
  expect(await Promise.all(spellings.map(({ email }) => rowOf(email)))).toEqual(rows);
});

test("accounts imported while the server runs: its next housekeeping switches the timing floor on, and off after they signed in", async () => {
  await orm.em.fork().execute("delete from users");
  const settings: boolean[] = [];
  const passwords: PasswordHashing = {
    ...calls.deps.passwords,
    setLegacy: (exists) => {
      settings.push(exists);
      return calls.deps.passwords.setLegacy(exists);
    },
  };
  const housekeeping = () => runHousekeeping({ ...calls.deps, passwords });
  await housekeeping();
  const { email } = newUser();
  await imported([newUser({ email })]);
  await housekeeping();
  await calls.caller().auth.login({ email, password });
  await housekeeping();
  expect(settings).toEqual([false, true, false]);
});

test("importing a file again after half of it was imported creates the other half", async () => {
  const users = Array.from({ length: 1201 }, () => newUser());
  expect(await imported(users.slice(0, 700))).toMatchObject({ created: 700 });
  expect(await imported(users)).toEqual({ created: 501, existing: 700, rejected: [] });
});

test("accepts CRLF, blank lines, a byte order mark, all forms of times, and addresses in upper case", async () => {
  const times = ["2024-05-06T09:08:09+02:00", "2024-05-06T07:08:09", "2024-05-06T07:08:09.000Z"];
  const [one, two, three] = times.map((created_at) => newUser({ created_at }));
  const nameless = { ...newUser(), name: undefined, is_admin: true };
  const separated = newUser({ name: "\u2028 é" });
  const lines = [
    `\uFEFF${JSON.stringify(one)}\r`,
    "\r",
    { ...two, email: ` ${two?.email.toUpperCase()} ` },
    "",
    three,
    nameless,
    newUser({ name: null }),
    separated,
    "  ",
  ];
  for (const chunkSize of [1, 65_536]) {
    const { created, existing, rejected } = await imported(lines, chunkSize);
    expect([created + existing, rejected]).toEqual([6, []]);
  }
  for (const user of [one, two, three, nameless])
    expect(await rowOf(user?.email ?? "")).toMatchObject({ dated: true });
  expect(await rowOf(nameless.email)).toMatchObject({ name: null });
  expect(await rowOf(separated.email)).toMatchObject({ name: "é" });
});

test("every rejected line is reported with its reason, and the other lines are imported", async () => {
  const taken = newUser();
  await imported([taken]);
  const twice = newUser();
  const hash = (start: string) => newUser({ password_hash: start + password_hash.slice(7) });
  const hashReason = "password_hash must be a bcrypt hash: $2a$ or $2b$, with 4 to 14 rounds";
  const rejections: [unknown, string][] = [
    ["{", "is not a JSON object in UTF-8"],
    ["[]", "is not a JSON object in UTF-8"],
    [newUser({ id: "1" }), "id must be a UUID"],
    [{ ...newUser(), id: undefined }, "id is missing or of the wrong type"],
    [newUser({ email: "ada@localhost" }), "email is not valid"],
    [newUser({ email: 7 }), "email is missing or of the wrong type"],
    [newUser({ password_hash: password }), hashReason],
    [hash("$2y$04$"), hashReason],
    [hash("$2b$03$"), hashReason],
    [hash("$2b$15$"), hashReason],
    [{ ...newUser(), password_hash: undefined }, "password_hash is missing or of the wrong type"],
    [
      newUser({ name: "\0" }),
      "name has a character that cannot be stored (U+0000 or a lone surrogate)",
    ],
    [newUser({ name: "x".repeat(256) }), "name must be at most 255 characters"],
    [newUser({ created_at: "yesterday" }), "created_at must be an ISO 8601 date-time"],
    [newUser({ id: taken.id }), "id belongs to an account with another email"],
    [newUser({ email: taken.email }), "email belongs to an account with another id"],
    [newUser({ id: twice.id }), "id belongs to an account with another email"],
    [newUser({ email: twice.email }), "email belongs to an account with another id"],
  ];
  const lines = [twice, ...rejections.map(([line]) => line), twice, newUser()];
  expect(await imported(lines)).toEqual({
    created: 2,
    existing: 1,
    rejected: rejections.map(([, reason], index) => `${index + 2}: ${reason}`),
  });
});

test("bytes that are not UTF-8 are rejected, and a line over 1 MiB stops the import", async () => {
  const read = async (bytes: Buffer) => {
    const batches = importUsers(
      orm.em.fork().getKysely(),
      (async function* () {
        yield bytes;
      })(),
    );
    const results = [];
    for await (const batch of batches) results.push(batch);
    return results;
  };
  const latin1 = Buffer.from(JSON.stringify(newUser({ name: "é" })), "latin1");
  expect(await read(latin1)).toMatchObject([
    { rejected: [{ line: 1, reason: "is not a JSON object in UTF-8" }] },
  ]);
  await expect(read(Buffer.alloc(1_048_577, "x"))).rejects.toThrow(
    "Line 1 is over 1048576 bytes: not JSON lines",
  );
});
