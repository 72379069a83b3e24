import { migrateDown, migrateUp } from "@taskwire/server/db/migration-run.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cloneDatabase } from "../support/setup/database.ts";
import { expectExactCounts } from "../support/setup/task-counts.ts";

const [ada, bob] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];

/** Ada has two open tasks, Bob has one open and one completed. */
const addTasks = `insert into tasks (title, user_id, completed)
  values ('a', '${ada}', false), ('b', '${bob}', true), ('c', '${ada}', false), ('d', '${bob}', false)`;

let orm: Orm;
let em: Orm["em"];
beforeEach(async () => {
  orm = await cloneDatabase();
  em = orm.em.fork();
  await em.execute(
    `insert into users (id, email, password_hash) values ('${ada}', 'ada@x.y', ''), ('${bob}', 'bob@x.y', '')`,
  );
});
afterEach(() => orm.close());

/** Returns what is kept of each user, as "open/completed"; undefined without a row. */
const kept = async () => {
  const rows = await em.execute<{ user_id: string; text: string }[]>(
    "select user_id, open || '/' || completed as text from user_task_counts",
  );
  const texts = new Map(rows.map(({ user_id, text }) => [user_id, text]));
  return { ada: texts.get(ada), bob: texts.get(bob) };
};

test("a user without a task has no row before the first one, and a row of zeros after the last one", async () => {
  expect(await kept()).toEqual({ ada: undefined, bob: undefined });
  await em.execute(addTasks);
  expect(await kept()).toEqual({ ada: "2/0", bob: "1/1" });
  await em.execute("delete from tasks");
  expect(await kept()).toEqual({ ada: "0/0", bob: "0/0" });
});

test.each([
  ["inserting tasks of two users", addTasks, { ada: "4/0", bob: "2/2" }],
  [
    "inserting no task",
    "insert into tasks (title, user_id) select 'e', id from users where false",
    { ada: "2/0", bob: "1/1" },
  ],
  [
    "deleting tasks of two users",
    "delete from tasks where title < 'c'",
    { ada: "1/0", bob: "1/0" },
  ],
  ["deleting no task", "delete from tasks where false", { ada: "2/0", bob: "1/1" }],
  [
    "completing and reopening tasks of two users",
    "update tasks set completed = not completed",
    { ada: "0/2", bob: "1/1" },
  ],
  [
    "completing what is completed",
    "update tasks set completed = true where completed",
    { ada: "2/0", bob: "1/1" },
  ],
  [
    "changing other fields",
    "update tasks set title = 'new', priority = 'high'",
    { ada: "2/0", bob: "1/1" },
  ],
  [
    "giving a task to another user",
    `update tasks set user_id = '${bob}' where title = 'a'`,
    { ada: "1/0", bob: "2/1" },
  ],
  [
    "giving a task to another user and completing it",
    `update tasks set user_id = '${bob}', completed = true where title = 'a'`,
    { ada: "1/0", bob: "1/2" },
  ],
  [
    "replacing a task on conflict",
    `insert into tasks (id, title, user_id) select id, 'new', user_id from tasks where title = 'b' on conflict (id) do update set completed = false`,
    { ada: "2/0", bob: "2/0" },
  ],
  [
    "inserting and deleting in one statement",
    `with gone as (delete from tasks where title = 'a' returning user_id) insert into tasks (title, user_id, completed) select 'new', user_id, true from gone`,
    { ada: "1/1", bob: "1/1" },
  ],
  [
    "merging",
    `merge into tasks using (values ('a'), ('b')) v (title) on tasks.title = v.title when matched and completed then delete when matched then update set completed = true`,
    { ada: "1/1", bob: "1/0" },
  ],
  ["deleting an account", `delete from users where id = '${bob}'`, { ada: "2/0", bob: undefined }],
  ["truncating the tasks", "truncate tasks cascade", { ada: undefined, bob: undefined }],
  ["truncating the users", "truncate users cascade", { ada: undefined, bob: undefined }],
])("%s keeps the counts, and a rollback restores them", async (_name, statement, expected) => {
  await em.execute(addTasks);
  const before = await kept();
  await em.begin();
  await em.execute(statement);
  expect(await kept()).toEqual(expected);
  await em.rollback();
  expect(await kept()).toEqual(before);
  await em.execute(statement);
  expect(await kept()).toEqual(expected);
  await expectExactCounts(orm);
});

test("a rollback to a savepoint takes back only what was counted after it", async () => {
  await em.execute(addTasks);
  await em.begin();
  await em.execute("update tasks set completed = true where title = 'a'");
  await em.execute("savepoint before");
  await em.execute(addTasks);
  await em.execute("delete from tasks where title = 'd'");
  await em.execute("rollback to savepoint before");
  await em.execute("delete from tasks where title = 'c'");
  await em.commit();
  expect(await kept()).toEqual({ ada: "0/1", bob: "1/1" });
  await expectExactCounts(orm);
});

test("counting does not depend on the search path of the session", async () => {
  const { schema } =
    (await em.execute<{ schema: string }[]>("select current_schema as schema"))[0] ?? {};
  await em.begin();
  await em.execute("set local search_path = ''");
  await em.execute(addTasks.replace("tasks", `${schema}.tasks`));
  await em.execute(`update ${schema}.tasks set completed = true where title = 'a'`);
  await em.execute(`delete from ${schema}.tasks where title = 'c'`);
  await em.commit();
  expect(await kept()).toEqual({ ada: "0/1", bob: "1/1" });
});

test("the migration counts the tasks that exist before it, for any number of users", async () => {
  await migrateDown(orm);
  await em.execute(addTasks);
  // Several batches.
  await em.execute(
    `with added as (insert into users (email, password_hash) select i || '@x.y', '' from generate_series(1, 450) i returning id, email)
     insert into tasks (title, user_id, completed) select 't', id, n = 1 from added, generate_series(1, length(email) - 4) n`,
  );
  await migrateUp(orm);
  expect(await kept()).toEqual({ ada: "2/0", bob: "1/1" });
  await expectExactCounts(orm);
  const [row] = await em.execute<{ sum: number }[]>(
    "select sum(open + completed)::int as sum from user_task_counts",
  );
  expect(row?.sum).toBe(4 + 9 + 90 * 2 + 351 * 3);
});
