import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, newRefreshCookieOf, transports } from "../support/client/transports.ts";
import { type Sql, withBlockingTransaction } from "../support/faults/blocking-transaction.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { type Statement, watchedDatabase } from "../support/setup/statement-recorder.ts";

// A call waits for its row while its statement holds a weak lock on the table, which this one conflicts with.
const lockSessions: Sql = ["lock table sessions in share mode"];

describe.each(transports)("over $name, with a limit of two calls a minute,", (transport) => {
  let server: TestServer;
  let statements: Statement[];
  beforeAll(async () => {
    const { orm, ...watched } = await watchedDatabase();
    ({ statements } = watched);
    server = await startServer({ orm, env: { RATE_LIMIT_LOGIN: "2", RATE_LIMIT_REFRESH: "2" } });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    statements.length = 0;
  });

  /** Makes a call the victim of one deadlock with a second transaction, which has locked a row that the call needs. */
  const inDeadlock = (row: Sql, call: () => Promise<CallResponse>): Promise<CallResponse> =>
    withBlockingTransaction(server.deps.orm, row, call, lockSessions);
  const failures = () => statements.flatMap(({ failure }) => failure ?? []);
  /** The statements of the call that wait for the row. */
  const attempts = (text: string) => statements.filter(({ sql }) => sql.includes(text)).length;

  test("a sign-in that is repeated after a deadlock takes one point", async () => {
    const email = `${randomUUID()}@example.com`;
    const password = "correct horse battery";
    await transport.call(server.url, "auth.register", { email, password });
    const signIn = () => transport.call(server.url, "auth.login", { email, password });

    const row: Sql = ["select from users where email = ? for update", email];
    expect(await inDeadlock(row, signIn)).toMatchObject({ status: 200 });
    expect(failures()).toEqual(["40P01"]);
    expect(attempts("insert into sessions")).toBe(2);

    expect(await signIn()).toMatchObject({ status: 200 });
    expectError(await signIn(), 429, "RATE_LIMIT_EXCEEDED");
  });

  test("a refresh that is repeated after a deadlock takes one of the session's 12 points", async () => {
    const { sid, cookie: first } = await signedInUser(server);
    const refresh = (cookie: string) =>
      transport.call(server.url, "auth.refresh", undefined, { cookie });

    const row: Sql = ["select from sessions where id = ? for update", sid];
    const repeated = await inDeadlock(row, () => refresh(first));
    expect(repeated).toMatchObject({ status: 200 });
    expect(failures()).toEqual(["40P01"]);
    expect(attempts("update sessions set")).toBe(2);

    const next = newRefreshCookieOf(repeated).value;
    for (let i = 1; i < 12; i++) expect(await refresh(next)).toMatchObject({ status: 200 });
    expectError(await refresh(next), 429, "RATE_LIMIT_EXCEEDED");
  });
});
