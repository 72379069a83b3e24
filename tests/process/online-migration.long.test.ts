import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { migrations } from "@taskwire/migrations";
import { migrateDown, migrateUp } from "@taskwire/server/db/migration-run.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { copyMigrations } from "../support/process/migrations-copy.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
import { catalogOf } from "../support/setup/schema-catalog.ts";
import { expectExactCounts } from "../support/setup/task-counts.ts";
import { secret } from "../support/setup/server.ts";

const [, ...later] = migrations.map(({ name }) => name);

const addTasks = `with owner as (insert into users (email, password_hash)
    values ('ada@example.com', 'x') returning id)
  insert into tasks (title, user_id, due_date) select 'Task ' || i, owner.id, now() + i * interval '1 minute'
    from owner, generate_series(1, $1::int) i`;

/** Creates a database to which only the first migration is applied, with one user's tasks. */
const oldDatabase = async (tasks: number) => {
  const { url, drop } = await clonePostgres();
  onTestFinished(drop);
  const orm = await openPostgres(url, { poolMin: 0, poolMax: 3, statementTimeout: false });
  onTestFinished(() => orm.close());
  const before = await catalogOf(orm);
  for (const name of later.toReversed()) expect(await migrateDown(orm)).toEqual([name]);
  const client = new Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(addTasks, [tasks]);
  return { url, orm, before, client, env: { DATABASE_URL: url, JWT_SECRET_KEY: secret } };
};

/** Statements that servers run all the time, on each table that exists before all migrations. */
const writes = [
  `insert into tasks (title, user_id) select 'New', id from users limit 1`,
  `update tasks set completed = not completed where id = 1 + (random() * 100)::int`,
  `delete from tasks where id = 101 + (random() * 1000)::int`,
  `insert into users (email, password_hash) values (gen_random_uuid()::text, 'x')`,
  `insert into tasks (title, user_id) select 'First', id from users order by created_at desc limit 1`,
  `insert into tags (name, user_id) select left(gen_random_uuid()::text, 8), id from users limit 1`,
];

test("with 300,000 tasks, all migrations are applied while others write, and no write waits for an index", async () => {
  const { url, orm, before } = await oldDatabase(300_000);
  const stop = new AbortController();
  const waits: number[] = [];
  const writer = async (statement: string): Promise<void> => {
    const client = new Client(url);
    await client.connect();
    while (!stop.signal.aborted) {
      const startedAt = performance.now();
      await client.query(statement);
      waits.push(performance.now() - startedAt);
    }
    await client.end();
  };
  const writers = Promise.all(writes.map(writer));
  await expect.poll(() => waits.length).toBeGreaterThan(100);
  waits.length = 0;
  const startedAt = performance.now();
  const applied = await migrateUp(orm);
  const total = performance.now() - startedAt;
  stop.abort();
  await writers;
  expect(applied).toEqual(later);
  expect(await catalogOf(orm)).toEqual(before);
  await expectExactCounts(orm);
  const maxWait = Math.max(...waits);
  // Ten indexes: if building one blocked writes, a write would wait for a tenth of the time at least.
  expect(waits.length).toBeGreaterThan(1000);
  expect(maxWait).toBeLessThan(total / 10);
  expectPromisedTime("A write during migrations of 300,000 tasks", maxWait, 500);
});

test("if a step fails, the steps before stay applied, and the next up continues there", async () => {
  const { orm, before, client, env } = await oldDatabase(10);
  // Fails for one index, and leaves the others.
  const { folder, node } = await copyMigrations((source) =>
    source.replace(
      `"idx_tasks_order_id" on "tasks" (user_id, id)`,
      `"idx_tasks_order_id" on "tasks" ((1 / (id - id)))`,
    ),
  );
  const failed = await finish("migrate", { folder, env, node, args: ["up"] });
  expect(failed).toMatchObject({ code: 1, stdout: "" });
  expect(failed.stderr).toMatch(
    /^Applied nothing\. \d+_task_order failed at step 2 of 10: .*division by zero\. Run `pnpm migrate up` again/,
  );
  const { rows } = await client.query("select from pg_index where not indisvalid");
  expect(rows).toHaveLength(1);
  expect(await finish("migrate", { folder, env, args: ["up"] })).toMatchObject({
    code: 0,
    stdout: later.map((name) => `Applied ${name}\n`).join(""),
  });
  expect(await catalogOf(orm)).toEqual(before);
});

test("a migration waits for a long transaction without blocking the writes behind it", async () => {
  const { orm, client, env } = await oldDatabase(10);
  await migrateUp(orm);
  // The migration of the sessions, and those after it.
  const reverted = later.slice(later.findIndex((name) => name.endsWith("_rotation_history")));
  for (const name of reverted.toReversed()) expect(await migrateDown(orm)).toEqual([name]);
  await client.query("begin");
  await client.query("select from sessions");
  const folder = await temporaryFolder();
  const up = finish("migrate", { folder, env, args: ["up"] });
  const em = orm.em.fork();
  const waiting = "select from pg_locks where not granted and relation = 'sessions'::regclass";
  // It gives up and tries again, so that it waits at some times and not at others.
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect.poll(() => em.execute<unknown[]>(waiting), { interval: 5 }).toHaveLength(1);
    await expect.poll(() => em.execute<unknown[]>(waiting), { interval: 5 }).toHaveLength(0);
    await em.execute("delete from sessions");
  }
  await client.query("commit");
  expect(await up).toMatchObject({
    code: 0,
    stdout: reverted.map((name) => `Applied ${name}\n`).join(""),
  });
});

test.each([
  ["delete from tasks where id <= 4", { open: 6, completed: 0 }],
  ["update tasks set completed = true where id = 5", { open: 9, completed: 1 }],
])(
  "a write that began before the tasks were counted is counted once: %s",
  async (write, counts) => {
    const { orm, client, env } = await oldDatabase(10);
    const { folder, node } = await copyMigrations((source) =>
      source.replace("select from count_pending_users(200)", "select 1 / 0"),
    );
    const failed = await finish("migrate", { folder, env, node, args: ["up"] });
    expect(failed.stderr).toMatch(/_task_counts failed at step 4 of 5: .*division by zero/);
    await client.query("begin");
    await client.query(write);
    const up = migrateUp(orm);
    const em = orm.em.fork();
    const waiting =
      "select from pg_locks where not granted and cardinality(pg_blocking_pids(pid)) > 0";
    await expect.poll(() => em.execute<unknown[]>(waiting), { interval: 5 }).toHaveLength(1);
    await client.query("commit");
    expect(await up).toEqual(later.slice(-1));
    const { rows } = await client.query("select open, completed from user_task_counts");
    expect(rows).toEqual([counts]);
    await expectExactCounts(orm);
  },
);

test("after up to a newer version, a running server and a new one of this version work", async () => {
  const { url, drop } = await clonePostgres();
  onTestFinished(drop);
  const env = { DATABASE_URL: url, JWT_SECRET_KEY: secret };
  const { folder, node } = await copyMigrations((source) => source);
  const name = "29991231000000_expand";
  await writeFile(
    join(folder, `${name}.ts`),
    `import { Migration } from "@mikro-orm/migrations";
     export class Expand extends Migration {
       override up(): void {
         this.addSql('alter table "tasks" add column "estimate" int null');
         this.addSql('create index "idx_tasks_estimate" on "tasks" ("user_id", "estimate")');
       }
     }`,
  );
  const index = await readFile(join(folder, "index.ts"), "utf8");
  await writeFile(
    join(folder, "index.ts"),
    `import { Expand } from "./${name}.ts";\n${index.replace(/\];\s*$/, `{ name: "${name}", class: Expand }];`)}`,
  );
  const old = await serve(folder, env);
  const ada = await signedInUser(old);
  await ada.newTask();
  expect(await finish("migrate", { folder, env, node, args: ["up"] })).toMatchObject({
    code: 0,
    stdout: `Applied ${name}\n`,
  });
  for (const { url: server, stdout } of [old, await serve(folder, env)]) {
    expect((await fetch(`${server}/health/ready`)).status).toBe(200);
    expect(stdout).not.toContain('"level":"warn"');
    const user = await signedInUser({ url: server });
    const { id } = await user.newTask();
    expect(await user.call("task.patch", { task_id: id, completed: true })).toMatchObject({
      status: 200,
    });
    expect((await user.page()).items).toHaveLength(1);
  }
});
