import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { startServer } from "../support/setup/server.ts";

let database: Awaited<ReturnType<typeof clonePostgres>>;
beforeAll(async () => {
  database = await clonePostgres();
});
afterAll(() => database.drop());

/** A server with one connection, so that a statement sees what all others have left in it. */
const serverWithOneConnection = async () => {
  let losses = 0;
  const onNameLoss = () => void losses++;
  const orm = await openPostgres(database.url, { poolMin: 1, poolMax: 1, onNameLoss });
  const server = await startServer({ orm });
  onTestFinished(() => server.close());
  const named = () =>
    orm.em.execute<{ name: string; statement: string }[]>(
      "select name, statement from pg_prepared_statements",
    );
  return { server, orm, named, losses: () => losses };
};

test("a statement with parameters gets a name once, whatever its values are", async () => {
  const { server, named } = await serverWithOneConnection();
  const user = await signedInUser(server);
  await user.page({ limit: 1 });
  const before = await named();
  expect(before.filter(({ statement }) => statement.includes('"task_tag_link"'))).toHaveLength(1);
  await user.page({ limit: 2 });
  await user.page({ limit: 3, page: 1 });
  expect(await named()).toHaveLength(before.length);
});

test("a change of a task has one statement for each set of fields, in any order, that changes only these fields", async () => {
  const { server, named } = await serverWithOneConnection();
  const user = await signedInUser(server);
  const given = { title: "Before", description: "Stays", due_date: "2030-01-01T00:00:00.000Z" };
  const { id: task_id } = await user.newTask(given);
  const patch = async (fields: object) =>
    (await user.call("task.patch", { task_id, ...fields })).data;
  const updates = async () =>
    (await named()).filter(({ statement }) => statement.startsWith('update "tasks"')).length;
  expect(await patch({ title: "A", completed: true })).toMatchObject({
    ...given,
    title: "A",
    completed: true,
  });
  expect(await patch({ completed: false, title: "B" })).toMatchObject({
    ...given,
    title: "B",
    completed: false,
  });
  expect(await updates()).toBe(1);
  expect(await patch({ description: null })).toMatchObject({
    ...given,
    title: "B",
    description: null,
  });
  expect(await updates()).toBe(2);
});

test("two processes give the same text the same name", async () => {
  const [one, other] = [await serverWithOneConnection(), await serverWithOneConnection()];
  await (await signedInUser(one.server)).call("auth.me");
  await (await signedInUser(other.server)).call("auth.me");
  const ofMe = async ({ named }: typeof one) =>
    (await named()).find(({ statement }) => statement.startsWith('select "users"."id"'));
  expect(await ofMe(one)).toEqual(await ofMe(other));
});

test("at most 100 texts get a name, and all others work without", async () => {
  const { orm, named } = await serverWithOneConnection();
  const db = orm.em.fork().getKysely();
  for (let i = 0; i < 120; i++) {
    const { rows } = await sql`select ${sql.lit(i)} as n where 1 = ${1}`.execute(db);
    expect(rows).toEqual([{ n: i }]);
  }
  expect(await named()).toHaveLength(100);
});

test("a call succeeds after the connection has lost the name of its statement, and names are not used again", async () => {
  const { server, orm, named, losses } = await serverWithOneConnection();
  const user = await signedInUser(server);
  await user.call("auth.me");
  await orm.em.execute("deallocate all");
  expect(await user.call("auth.me")).toMatchObject({ status: 200 });
  expect(losses()).toBe(1);
  expect(await named()).toEqual([]);
  expect(await user.call("auth.me")).toMatchObject({ status: 200 });
});

test("a call succeeds after a migration has changed the type of a column that its statement returns", async () => {
  const { server, orm, losses } = await serverWithOneConnection();
  const user = await signedInUser(server);
  const { id: task_id } = await user.newTask({ title: "Before" });
  await user.call("task.get", { task_id });
  await orm.em.execute("alter table tasks alter column recurrence_rule type varchar(1000)");
  for (let turn = 0; turn < 2; turn++)
    expect(await user.call("task.get", { task_id })).toMatchObject({ status: 200 });
  expect(losses()).toBe(0);
});

test.each([
  ["first page", {}, "limit 21 offset 0"],
  ["second page", { page: 2 }, "limit 21 offset $"],
])(
  "PostgreSQL keeps the plan of the %s, and does not plan each execution anew",
  async (_, input, bounds) => {
    const { server, orm } = await serverWithOneConnection();
    const user = await signedInUser(server);
    await orm.em.execute(
      `insert into tasks (title, user_id) select 'Task ' || i, id from users, generate_series(1, 3000) i where email = ?`,
      [user.email],
    );
    await orm.em.execute("analyze tasks");
    for (let calls = 0; calls < 20; calls++) await user.page(input);
    const [plans] = await orm.em.execute<{ generic: number; custom: number }[]>(
      `select generic_plans::int as generic, custom_plans::int as custom from pg_prepared_statements where strpos(statement, ?) > 0`,
      [bounds],
    );
    expect(plans).toEqual({ generic: 15, custom: 5 });
  },
);

test.each([{ priority: "high" }, { status: "completed", sort: "due_date" }, { tag: "a" }])(
  "PostgreSQL plans each execution of a list with %o anew: no index has its order, so no plan is right for all users",
  async (input) => {
    const { server, orm } = await serverWithOneConnection();
    const user = await signedInUser(server);
    for (let calls = 0; calls < 8; calls++) await user.page(input);
    const usual = await orm.em.execute<unknown[]>(
      `select from pg_prepared_statements where strpos(statement, 'limit 21') > 0`,
    );
    expect(usual).toEqual([]);
  },
);
