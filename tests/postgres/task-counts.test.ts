import { randomUUID } from "node:crypto";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { Client, DatabaseError } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { type Sql, withBlockingTransaction } from "../support/faults/blocking-transaction.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { randomFrom } from "../support/setup/random.ts";
import { startWatched } from "../support/setup/statement-recorder.ts";
import { expectExactCounts } from "../support/setup/task-counts.ts";

const startWatchedServer = async () => {
  const watched = await startWatched();
  onTestFinished(() => watched.server.close());
  return watched;
};

/** What a transaction does to one user's tasks: create some, or change or delete one. */
const changes = [
  "insert into tasks (title, user_id, completed) select 'New', $1, n % 2 = 0 from generate_series(1, 1 + $2::int % 3) n",
  "delete from tasks where id = (select id from tasks where user_id = $1 order by id offset $2 % 10 limit 1)",
  "update tasks set completed = not completed where id = (select id from tasks where user_id = $1 order by id offset $2 % 10 limit 1)",
  "update tasks set title = 'Other' where id = (select id from tasks where user_id = $1 order by id offset $2 % 10 limit 1)",
];

/** Deadlock, a user who has just been deleted, and one who has just been created again. */
const expectedFailures = new Set(["40P01", "23503", "23505"]);

test("while eight sessions change the tasks of four users and roll back a third, the counts are exact in every snapshot", async () => {
  const { url, drop } = await clonePostgres();
  onTestFinished(drop);
  const orm = await openPostgres(url, { poolMin: 0, poolMax: 2 });
  onTestFinished(() => orm.close());
  const users = Array.from({ length: 4 }, () => randomUUID());
  const addUser = (id: string) =>
    `insert into users (id, email, password_hash) values ('${id}', '${id}@example.com', '')`;
  for (const id of users) await orm.em.fork().execute(addUser(id));
  const outcomes = new Map<string, number>();
  const note = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);

  const session = async (seed: number): Promise<void> => {
    const client = new Client(url);
    await client.connect();
    // Only to find deadlocks sooner.
    await client.query("set deadlock_timeout = '20ms'");
    const random = randomFrom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const change = () =>
      client.query(changes[below(changes.length)] ?? "", [users[below(4)], below(1000)]);
    for (let turn = 0; turn < 150; turn++) {
      try {
        await client.query("begin");
        await change();
        await client.query("savepoint one");
        await change();
        if (below(3) === 0) await client.query("rollback to savepoint one");
        if (below(40) === 0) {
          const id = users[3] ?? "";
          await client.query("delete from users where id = $1", [id]);
          await client.query(addUser(id));
          note("account");
        }
        const end = below(3) === 0 ? "rollback" : "commit";
        await client.query(end);
        note(end);
      } catch (error) {
        const { code = "" } = error instanceof DatabaseError ? error : {};
        if (!expectedFailures.has(code)) throw error;
        await client.query("rollback");
        note("failure");
      }
    }
    await client.end();
  };
  const done = new AbortController();
  const sessions = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(session)).finally(() => done.abort());
  let snapshots = 0;
  for (; !done.signal.aborted; snapshots++) await expectExactCounts(orm);
  await sessions;
  await expectExactCounts(orm);
  expect(snapshots).toBeGreaterThan(1);
  for (const outcome of ["commit", "rollback", "account"])
    expect(outcomes.get(outcome)).toBeGreaterThan(0);
});

test("concurrent creates, completions and deletions of one user over HTTP leave exact totals of every status", async () => {
  const { server } = await startWatchedServer();
  const ada = await signedInUser(server);
  const first = await Promise.all(Array.from({ length: 20 }, () => ada.newTask()));
  const ids = first.map(({ id }) => id);
  const calls = [
    ...ids.map((_, index) => ada.call("task.create", { title: "New", completed: index < 10 })),
    ...ids.map((task_id) => ada.call("task.patch", { task_id, completed: true })),
    ...ids.slice(0, 5).map((task_id) => ada.call("task.delete", { task_id })),
  ];
  await Promise.all(calls);
  expect(await ada.page()).toMatchObject({ total: 35 });
  expect(await ada.page({ status: "pending" })).toMatchObject({ total: 10 });
  expect(await ada.page({ status: "completed" })).toMatchObject({ total: 25 });
  await expectExactCounts(server.deps.orm);
});

test("task.create waits for a competing create of the same user, and the total has that one only if it commits", async () => {
  const { server } = await startWatchedServer();
  const ada = await signedInUser(server);
  const blocking: Sql = ["insert into tasks (title, user_id) values ('Blocking', ?)", ada.id];
  const create = async () => {
    // Not committed, so not in the list.
    const during = await ada.page();
    await ada.newTask();
    return during;
  };
  const during = await withBlockingTransaction(server.deps.orm, blocking, create, "rollback");
  expect(during).toMatchObject({ items: [], total: 0 });
  expect(await ada.page()).toMatchObject({ total: 1 });
  await withBlockingTransaction(server.deps.orm, blocking, create);
  expect(await ada.page()).toMatchObject({ total: 3 });
});

test("deleting an account while its task is being deleted causes no deadlock", async () => {
  const { server, statements } = await startWatchedServer();
  const ada = await signedInUser(server);
  const [{ id }] = [await ada.newTask(), await ada.newTask()];
  const deletion = await withBlockingTransaction(
    server.deps.orm,
    ["select from tasks where id = ? for update", id],
    () => ada.call("auth.deleteAccount", { password: ada.password }),
    ["delete from tasks where id = ?", id],
  );
  expect(deletion.status).toBe(204);
  expect(statements.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  const rows = await server.deps.orm.em.fork().execute("select from user_task_counts");
  expect(rows).toEqual([]);
});
