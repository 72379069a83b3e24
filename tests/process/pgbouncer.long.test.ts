import { migrations } from "@taskwire/migrations";
import { migrateDown, migrateUp } from "@taskwire/server/db/migration-run.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startPgbouncer } from "../support/external/pgbouncer.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
import { required } from "../support/setup/required.ts";
import { skipsWithout } from "../support/setup/requirements.ts";
import { secret } from "../support/setup/server.ts";

const skipped = skipsWithout("pgbouncer");

/** Creates a database, and pgbouncer in front of it. */
const start = async ({
  template,
  settings = [],
}: { template?: string; settings?: string[] } = {}) => {
  const { url, drop } = await clonePostgres(template);
  onTestFinished(drop);
  const bouncer = await startPgbouncer(url, settings);
  onTestFinished(bouncer.stop);
  const client = new Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  const env = { DATABASE_URL: bouncer.url, JWT_SECRET_KEY: secret };
  return { url, client, env, folder: await temporaryFolder() };
};

const warning = /"level":"warn".*PostgreSQL's time-outs are not set/;

/** Runs the commands of the warning in the log. */
const setTimeouts = async (stdout: string, client: Client): Promise<void> => {
  const line = stdout.split("\n").find((text) => warning.test(text)) ?? "{}";
  const { run } = JSON.parse(line) as { run: string };
  // Only for this database: the role belongs to other tests too.
  const { rows } = await client.query<{ name: string }>("select current_database() as name");
  await client.query(run.replaceAll(/alter role "\w+"/g, `$& in database ${rows[0]?.name}`));
};

test.skipIf(skipped)(
  "in transaction mode, all calls work, and a start without time-outs warns with the commands that set them",
  async () => {
    const { url, env, folder, client } = await start();
    const first = await serve(folder, env);
    expect(first.stdout).toMatch(warning);
    const users = await Promise.all([0, 1, 2, 3].map(() => signedInUser(first)));
    for (const user of users) {
      const tag = await user.newTag();
      const tasks = await Promise.all(
        [1, 2, 3, 4, 5].map(() => user.newTask({ tag_ids: [tag.id] })),
      );
      expect((await user.page()).items).toHaveLength(tasks.length);
    }
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
    await setTimeouts(first.stdout, client);
    // Connections that are open keep the values of before.
    const other = await startPgbouncer(url);
    onTestFinished(other.stop);
    const second = await serve(folder, { ...env, DATABASE_URL: other.url });
    expect(second.stdout).not.toContain('"level":"warn"');
    expect(first.stderr + second.stderr).toBe("");
  },
);

test.skipIf(skipped).each([
  ["which rejects the parameters", []],
  [
    "which ignores the parameters",
    [
      "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout",
    ],
  ],
])(
  "through a pgbouncer %s, a call gives up a locked row within its time-out, and a later one succeeds",
  async (_, settings) => {
    const { url, env, folder, client } = await start({ settings });
    const first = await serve(folder, env);
    await setTimeouts(first.stdout, client);
    // Connections that are open keep the values of before.
    const other = await startPgbouncer(url, settings);
    onTestFinished(other.stop);
    const server = await serve(folder, { ...env, DATABASE_URL: other.url });
    expect(server.stdout).not.toMatch(warning);
    const user = await signedInUser(server);
    const { id } = await user.newTask();
    const blocker = new Client(url);
    await blocker.connect();
    onTestFinished(() => blocker.end());
    await blocker.query("begin");
    await blocker.query("select from tasks where id = $1 for update", [id]);
    const startedAt = performance.now();
    const blocked = await user.call("task.patch", { task_id: id, completed: true });
    expectPromisedTime("A locked row through pgbouncer", performance.now() - startedAt, 3000);
    expect(blocked).toMatchObject({ status: 503 });
    // PostgreSQL's own time-out: nothing waits there any more.
    expect(server.stdout).toContain("lock timeout");
    await blocker.query("rollback");
    await expect
      .poll(async () => (await user.call("task.patch", { task_id: id, completed: true })).status)
      .toBe(200);
  },
);

test.skipIf(skipped)(
  "through a pgbouncer that two servers do not notice, all calls succeed although it loses the names of their statements",
  async () => {
    const settings = [
      "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout",
      "default_pool_size = 3",
    ];
    const { url, env, folder, client } = await start({ settings });
    await setTimeouts((await serve(folder, env)).stdout, client);
    const other = await startPgbouncer(url, settings);
    onTestFinished(other.stop);
    const behindOther = { ...env, DATABASE_URL: other.url };
    const servers = [await serve(folder, behindOther), await serve(folder, behindOther)];
    const users = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((index) => signedInUser(required(servers[index % 2], "a server"))),
    );
    for (let turn = 0; turn < 10; turn++) {
      const titles = await Promise.all(
        users.map(async (user, index) => {
          const { id } = await user.newTask({ title: `Task ${turn} of ${index}` });
          const patched = await user.call("task.patch", { task_id: id, completed: true });
          expect(patched.status).toBe(200);
          const { total, items } = await user.page({ status: "completed", sort: "-created_at" });
          expect(total).toBe(turn + 1);
          return items[0]?.title;
        }),
      );
      expect(titles).toEqual(users.map((_, index) => `Task ${turn} of ${index}`));
    }
    for (const { stdout } of servers)
      expect(stdout.match(/A connection pooler loses named statements/g)).toHaveLength(1);
  },
);

test.skipIf(skipped)("with one connection, migrate creates the schema", async () => {
  const { env, folder } = await start({
    template: "template0",
    settings: ["default_pool_size = 1"],
  });
  const up = await finish("migrate", { folder, env, args: ["up"] });
  expect(up).toMatchObject({ code: 0, stderr: "" });
  expect(up.stdout).toBe(migrations.map(({ name }) => `Applied ${name}\n`).join(""));
  expect(await finish("migrate", { folder, env, args: ["status"] })).toMatchObject({ code: 0 });
  expect(await finish("migrate", { folder, env, args: ["down", "--yes"] })).toMatchObject({
    code: 0,
  });
});

test.skipIf(skipped)(
  "if migrate has to build an index on an existing table, it fails through pgbouncer at once with the reason",
  async () => {
    const { url, env, folder } = await start({ settings: ["default_pool_size = 1"] });
    const orm = await openPostgres(url, { poolMin: 0, poolMax: 2, statementTimeout: false });
    onTestFinished(() => orm.close());
    for (const _ of migrations.slice(1)) await migrateDown(orm);
    const startedAt = performance.now();
    const up = await finish("migrate", { folder, env, args: ["up"] });
    expectPromisedTime("migrate up through pgbouncer", performance.now() - startedAt, 5000);
    expect(up).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^Applied nothing: indexes .* Set DATABASE_URL to PostgreSQL's own/,
      ),
    });
    expect(await migrateUp(orm)).toHaveLength(migrations.length - 1);
  },
);

test.skipIf(skipped)(
  "if all connections of pgbouncer are in use, migrate fails within 5 s with the reason, and succeeds later",
  async () => {
    const { env, folder } = await start({
      template: "template0",
      settings: ["default_pool_size = 1"],
    });
    const blocker = new Client(env.DATABASE_URL);
    await blocker.connect();
    onTestFinished(() => blocker.end());
    await blocker.query("begin");
    await blocker.query("select 1");
    const startedAt = performance.now();
    const up = await finish("migrate", { folder, env, args: ["up"] });
    expectPromisedTime("migrate up without a connection", performance.now() - startedAt, 5000);
    expect(up).toMatchObject({ code: 1, stdout: "" });
    expect(up.stderr).toMatch(
      /^PostgreSQL at 127\.0\.0\.1:\d+\/\w+ cannot be used: Query read timeout\. Check DATABASE_URL/,
    );
    await blocker.query("rollback");
    expect(await finish("migrate", { folder, env, args: ["up"] })).toMatchObject({ code: 0 });
  },
);
