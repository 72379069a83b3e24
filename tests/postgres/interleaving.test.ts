import { randomUUID } from "node:crypto";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { revokeAllSessions } from "@taskwire/server/services/auth/revoke-all.ts";
import { withBlockingTransaction, type Sql } from "../support/faults/blocking-transaction.ts";
import { runSql } from "../support/external/sql-session.ts";
import { withDatabase } from "../support/setup/global-setup.ts";
import type { TestServer } from "../support/setup/server.ts";
import { startWatched, type Statement } from "../support/setup/statement-recorder.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

/** A sign-in that has locked its account and inserted its session, and has not committed. */
const openSessionOf = (email: string): Sql => [
  `with owner as (select id from users where email = ? for share)
    insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
    select gen_random_uuid(), id, '', now(), now(), now() + interval '1 day', now() + interval '1 day' from owner`,
  email,
];
/**
 * Lets PostgreSQL look for a deadlock after 0.2 s instead of 1 s, so that the repeated calls have time left before their
 * deadline on a slow machine too. Ends the sessions that still have the old setting.
 */
const detectDeadlocksSooner = async (orm: Orm): Promise<void> => {
  const em = orm.em.fork();
  const [database] = await em.execute<{ name: string }[]>("select current_database() as name");
  const name = String(database?.name);
  await em.execute(`alter database ${name} set deadlock_timeout = '200ms'`);
  await runSql(
    withDatabase(inject("postgresUrl"), name),
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
  const setting = async () => {
    const [row] = await orm.em
      .fork()
      .execute<{ deadlock_timeout: string }[]>("show deadlock_timeout");
    return row?.deadlock_timeout;
  };
  await vi.waitFor(async () => expect(await setting()).toBe("200ms"), { timeout: 60_000 });
};

let server: TestServer;
let statements: Statement[];
beforeAll(async () => {
  ({ server, statements } = await startWatched());
  await detectDeadlocksSooner(server.deps.orm);
});
afterAll(() => server.close());

describe.each(transports)("over $name", (transport) => {
  const [created, deleted] = transport.name === "REST" ? ["201", "204"] : ["200", "200"];
  let ada: SignedInUser;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
  });

  const callDuring = (blocking: Sql, name: string, input: object, next?: Sql | "rollback") =>
    withBlockingTransaction(server.deps.orm, blocking, () => ada.call(name, input), next);
  const newTaskAndTag = async () => ({
    task_id: (await ada.newTask()).id,
    tag_id: (await ada.newTag(randomUUID())).id,
  });

  test("addTag waits for a competing addTag, and is rejected if that one has added the 100th tag", async () => {
    const { task_id, tag_id } = await newTaskAndTag();
    const em = server.deps.orm.em.fork();
    const tags = await em.execute<{ id: number }[]>(
      "insert into tags (name, user_id) select 'Full ' || ? || n, ? from generate_series(1, 100) n returning id",
      [task_id, ada.id],
    );
    const [last, ...others] = tags.map(({ id }) => id);
    await em.execute("insert into task_tag_link (task_id, tag_id) select ?, unnest(?::integer[])", [
      task_id,
      `{${others.join(",")}}`,
    ]);
    const blocking: Sql = [
      `with locked as (select id from tasks where id = ? for update)
        insert into task_tag_link (task_id, tag_id) select id, ? from locked`,
      task_id,
      last,
    ];
    expectError(
      await callDuring(blocking, "task.addTag", { task_id, tag_id }),
      422,
      "VALIDATION_ERROR",
      "tag_id",
    );
  });

  test.each([
    ["tag", "TAG_NOT_FOUND"],
    ["task", "TASK_NOT_FOUND"],
  ])(
    "addTag waits for a competing delete of the %s: %s if it commits, linked if it rolls back",
    async (noun, code) => {
      const ids = await newTaskAndTag();
      const blocking: Sql = [
        `delete from ${noun}s where id = ?`,
        noun === "tag" ? ids.tag_id : ids.task_id,
      ];
      const afterRollback = await callDuring(blocking, "task.addTag", ids, "rollback");
      expect(countOutcomes([afterRollback])).toEqual({ [created]: 1 });
      await ada.call("task.removeTag", ids);
      expect(countOutcomes([await callDuring(blocking, "task.addTag", ids)])).toEqual({
        [code]: 1,
      });
    },
  );

  test("addTag waits for a competing change of the task, and returns the task as it is after it", async () => {
    const ids = await newTaskAndTag();
    const blocking: Sql = ["update tasks set title = 'Changed' where id = ?", ids.task_id];
    const response = await callDuring(blocking, "task.addTag", ids);
    expect(response.data).toMatchObject({ title: "Changed", tags: [{ id: ids.tag_id }] });
  });

  test("addTag waits for a competing 100th tag: VALIDATION_ERROR if it commits, linked if it rolls back", async () => {
    const { task_id, tag_id } = await newTaskAndTag();
    const em = server.deps.orm.em.fork();
    await em.execute(
      `with added as (
         insert into tags (name, user_id) select gen_random_uuid()::text, ? from generate_series(1, 99) returning id)
       insert into task_tag_link select ?, id from added`,
      [ada.id, task_id],
    );
    const other = await ada.newTag(randomUUID());
    const blocking: Sql = [
      `with task as (select id from tasks where id = ? for update)
       insert into task_tag_link select task.id, ? from task`,
      task_id,
      other.id,
    ];
    const ids = { task_id, tag_id };
    const afterRollback = await callDuring(blocking, "task.addTag", ids, "rollback");
    expect(countOutcomes([afterRollback])).toEqual({ [created]: 1 });
    await ada.call("task.removeTag", ids);
    const afterCommit = await callDuring(blocking, "task.addTag", ids);
    expect(countOutcomes([afterCommit])).toEqual({ VALIDATION_ERROR: 1 });
  });

  test("patch waits for a competing delete of the task: TASK_NOT_FOUND if it commits, patched if it rolls back", async () => {
    const { task_id } = await newTaskAndTag();
    const blocking: Sql = ["delete from tasks where id = ?", task_id];
    const afterRollback = await callDuring(
      blocking,
      "task.patch",
      { task_id, title: "Kept" },
      "rollback",
    );
    expect(afterRollback.data).toMatchObject({ title: "Kept" });
    const afterCommit = await callDuring(blocking, "task.patch", { task_id, title: "Gone" });
    expect(countOutcomes([afterCommit])).toEqual({ TASK_NOT_FOUND: 1 });
  });

  test("tag.create waits for a competing insert: TAG_ALREADY_EXISTS if it commits, created if it rolls back", async () => {
    const name = randomUUID();
    const blocking: Sql = ["insert into tags (name, user_id) values (?, ?)", name, ada.id];
    const afterCommit = await callDuring(blocking, "tag.create", { name });
    expect(countOutcomes([afterCommit])).toEqual({ TAG_ALREADY_EXISTS: 1 });
    await server.deps.orm.em.fork().execute("delete from tags where name = ?", [name]);
    expect(countOutcomes([await callDuring(blocking, "tag.create", { name }, "rollback")])).toEqual(
      {
        [created]: 1,
      },
    );
  });

  test("task.create waits for a competing delete of the user: INVALID_TOKEN if it commits", async () => {
    const eve = await signedInUser(server, { transport });
    const blocking: Sql = ["delete from users where id = ?", eve.id];
    const call = () => eve.call("task.create", { title: "Late" });
    expect(countOutcomes([await withBlockingTransaction(server.deps.orm, blocking, call)])).toEqual(
      {
        INVALID_TOKEN: 1,
      },
    );
  });

  test("a sign-in waits for a competing change of the password: INVALID_CREDENTIALS if it commits, signed in if it rolls back", async () => {
    const { id, email, password } = await signedInUser(server, { transport });
    const newPassword = "another battery";
    const hash = await server.deps.passwords.hash(newPassword);
    const change: Sql = ["update users set password_hash = ? where id = ?", hash, id];
    const signIn = (attempt = password) =>
      transport.call(server.url, "auth.login", { email, password: attempt });
    const during = (next?: "rollback") =>
      withBlockingTransaction(server.deps.orm, change, signIn, next);
    expect((await during("rollback")).status).toBe(200);
    expectError(await during(), 401, "INVALID_CREDENTIALS");
    expect((await signIn(newPassword)).status).toBe(200);
  });

  test("changePassword waits for a competing sign-in, and revokes the session that it opens", async () => {
    const eve = await signedInUser(server, { transport });
    const input = { current_password: eve.password, new_password: "another battery" };
    const response = await withBlockingTransaction(server.deps.orm, openSessionOf(eve.email), () =>
      eve.call("auth.changePassword", input),
    );
    expect(countOutcomes([response])).toEqual({ [deleted]: 1 });
    const rows = await server.deps.orm.em
      .fork()
      .execute(
        "select id = ? as current, revoked_at is not null as revoked from sessions where user_id = ? order by 1",
        [eve.sid, eve.id],
      );
    expect(rows).toEqual([
      { current: false, revoked: true },
      { current: true, revoked: false },
    ]);
  });

  test("of two password changes at once, the second gets INVALID_CREDENTIALS, and the first one's password stays", async () => {
    const eve = await signedInUser(server, { transport });
    const { id, email, password } = eve;
    const hash = await server.deps.passwords.hash("the first one's");
    const first: Sql = ["update users set password_hash = ? where id = ?", hash, id];
    const input = { current_password: password, new_password: "the second one's" };
    const second = () => eve.call("auth.changePassword", input);
    const response = await withBlockingTransaction(server.deps.orm, first, second);
    expectError(response, 401, "INVALID_CREDENTIALS", "current_password");
    const signIn = { email, password: "the first one's" };
    expect((await transport.call(server.url, "auth.login", signIn)).status).toBe(200);
  });

  test("two calls that each run into a deadlock are retried, and both succeed", async () => {
    const linked = await newTaskAndTag();
    await ada.call("task.addTag", linked);
    const before = statements.length;
    // Each call locks its task and waits for the other row, whose transaction then waits for the task.
    const callInDeadlock = (name: string, ids: typeof linked, row: string) =>
      callDuring([`select from ${row} = ? for update`, ids.tag_id], name, ids, [
        "select from tasks where id = ? for update",
        ids.task_id,
      ]);
    const responses = await Promise.all([
      callInDeadlock("task.delete", linked, "task_tag_link where tag_id"),
      callInDeadlock("task.addTag", await newTaskAndTag(), "tags where id"),
    ]);
    expect(responses.map(({ status }) => String(status))).toEqual([deleted, created]);
    const failures = statements.slice(before).flatMap(({ failure }) => failure ?? []);
    // A retry can run before the other transaction wakes up, and be cancelled again.
    expect(failures.length).toBeGreaterThanOrEqual(2);
    expect(new Set(failures)).toEqual(new Set(["40P01"]));
  });
});

test("the operator's revocation waits for a competing sign-in, and revokes the session that it opens", async () => {
  const { email } = await signedInUser(server);
  const revoke = () => revokeAllSessions(server.deps.orm.em.fork().getKysely(), email);
  expect(
    await withBlockingTransaction(server.deps.orm, openSessionOf(email), revoke),
  ).toMatchObject({
    count: 2,
  });
});
