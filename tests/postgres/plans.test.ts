import { Task } from "@taskwire/server/db/entities/task.ts";
import { callerFor } from "@taskwire/server/rpc/caller.ts";
import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Sort, sorts } from "../support/client/listing.ts";
import { runSql } from "../support/external/sql-session.ts";
import { withDatabase } from "../support/setup/global-setup.ts";
import { createTestDeps, type TestDeps } from "../support/setup/server.ts";
import { required } from "../support/setup/required.ts";
import { type Statement, watchedDatabase } from "../support/setup/statement-recorder.ts";

/** A node of an executed plan: the properties that these tests use. */
interface Plan {
  "Node Type": string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Heap Fetches"?: number;
  Plans?: Plan[];
}

const taskCount = 20_000;
const email = "many@example.com";
let backend: TestDeps;
let statements: Statement[];
let userId: string;

beforeAll(async () => {
  const watched = await watchedDatabase();
  ({ statements } = watched);
  backend = await createTestDeps({ orm: watched.orm });
  const em = watched.orm.em.fork();
  await em.execute(
    `insert into users (email, password_hash) select i || '@example.com', '' from generate_series(1, 20) i`,
  );
  await em.execute("update users set email = ? where email = '1@example.com'", [email]);
  // One user's many tasks are stored between the few tasks of other users.
  const [database] = await em.execute<{ name: string }[]>("select current_database() as name");
  // In sessions without the server's time limits: on a slow machine, so many rows take longer than a statement may.
  const url = withDatabase(inject("postgresUrl"), String(database?.name));
  await runSql(
    url,
    `insert into tasks (title, description, completed, priority, due_date, created_at, user_id)
      select 'Task ' || md5(i::text), repeat('word ', i % 40), i % 4 = 0, (array['low', 'medium', 'high'])[1 + i % 3],
        case when i % 3 > 0 then timestamptz '2030-01-01' + (i * 7919 % 10000) * interval '1 hour' end,
        timestamptz '2025-01-01' + (i * 31 % 50000) * interval '1 minute', u.id
      from generate_series(1, ${taskCount * 1.5}) i
      join users u on u.email = case when i % 3 > 0 then '${email}' else (2 + i % 19) || '@example.com' end`,
  );
  await runSql(url, "vacuum analyze");
  const [user] = await em.execute<{ id: string }[]>("select id from users where email = ?", [
    email,
  ]);
  if (user === undefined) throw new Error("No user");
  userId = user.id;
});
afterAll(() => backend.deps.close());

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

const rowsOf = (plan: Plan): number => plan["Actual Rows"] * plan["Actual Loops"];

/** Lists tasks, then runs the same statement with EXPLAIN ANALYZE. Returns the plans of the count and of the page. */
const planOf = async (input: {
  sort?: Exclude<Sort, undefined>;
  page?: number;
  limit?: number;
  status?: "pending" | "completed";
  priority?: "low" | "medium" | "high";
}): Promise<{ counted: Plan[]; page: Plan[] }> => {
  const caller = callerFor(backend.deps, { id: userId, email });
  const before = statements.length;
  const { total } = await caller.task.list(input);
  if (input.status === undefined && input.priority === undefined) expect(total).toBe(taskCount);
  else expect(total).toBeLessThan(taskCount);
  const [statement, ...others] = statements.slice(before);
  if (statement === undefined || others.length > 0) throw new Error("Not one statement");
  const { rows } = await backend.deps.orm.em
    .fork()
    .getKysely()
    .executeQuery<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      CompiledQuery.raw(`explain (analyze, format json) ${statement.sql}`, [
        ...statement.parameters,
      ]),
    );
  const [loop] = rows[0]?.["QUERY PLAN"] ?? [];
  const [counted, page] = loop?.Plan.Plans ?? [];
  if (counted === undefined || page === undefined) throw new Error("Not a count beside a page");
  return { counted: nodesOf(counted), page: nodesOf(page) };
};

/** Returns the nodes that read tasks other than by primary key. */
const scansOf = (nodes: readonly Plan[]): Plan[] =>
  nodes.filter((node) => node["Relation Name"] === "tasks" && node["Index Name"] !== "tasks_pkey");

const expectMaxSortedRows = (nodes: readonly Plan[], rows: number) => {
  for (const node of nodes.filter((each) => each["Node Type"].includes("Sort")))
    expect(rowsOf(node)).toBeLessThanOrEqual(rows);
};

describe.each(sorts)("sorted by %s", (sort) => {
  const order = sort === undefined ? {} : { sort };
  const index = `idx_tasks_order_${sort === undefined ? "id" : sort.replace(/^-(.*)/, "$1_desc")}`;
  const indexOnlyScan = { "Node Type": "Index Only Scan", "Index Name": index, "Heap Fetches": 0 };

  test("the first page reads one row more than its size, by an index-only scan of the order's index", async () => {
    const { page } = await planOf(order);
    const scans = scansOf(page);
    expect(scans).toMatchObject([indexOnlyScan]);
    // The additional row shows whether there is another page.
    expect(scans.map(rowsOf)).toEqual([21]);
    expectMaxSortedRows(page, 21);
  });

  test("a distant page skips index entries without reading their rows", async () => {
    const { page } = await planOf({ ...order, page: taskCount / 100 - 1, limit: 100 });
    expect(scansOf(page)).toMatchObject([indexOnlyScan]);
    const read = page.filter((node) => node["Index Name"] === "tasks_pkey");
    expect(read.map(rowsOf)).toEqual([101]);
    expectMaxSortedRows(page, 101);
  });
});

test.each([{}, { status: "pending" }, { status: "completed" }] as const)(
  "the total of the list with %j is read from one row, and no task is counted",
  async (input) => {
    const { counted } = await planOf(input);
    expect(counted.filter((node) => node["Relation Name"] === "tasks")).toEqual([]);
    const kept = counted.filter((node) => node["Relation Name"] === "user_task_counts");
    expect(kept.map(rowsOf)).toEqual([1]);
  },
);

test.each(["pending", "completed"] as const)(
  "the first page of %s tasks reads one row more than its size, by an index-only scan",
  async (status) => {
    const { page } = await planOf({ status });
    const scans = scansOf(page);
    const name = "idx_tasks_user_completed_id";
    expect(scans).toMatchObject([{ "Node Type": "Index Only Scan", "Index Name": name }]);
    expect(scans.map(rowsOf)).toEqual([21]);
    expectMaxSortedRows(page, 21);
  },
);

test("the total of one priority is counted by an index-only scan", async () => {
  const { counted } = await planOf({ priority: "high" });
  expect(scansOf(counted)).toMatchObject([{ "Node Type": "Index Only Scan", "Heap Fetches": 0 }]);
});

// The drift check compares which indexes exist, but not their expressions.
test("the index expressions of the entity equal those of the migrations", async () => {
  const em = backend.deps.orm.em.fork();
  const definition = async (name: string) => {
    const [row] = await em.execute<{ sql: string }[]>(
      "select pg_get_indexdef(?::regclass) as sql",
      [name],
    );
    return required(row, `the definition of ${name}`).sql;
  };
  const indexes = em
    .getMetadata()
    .get(Task)
    .indexes.filter(({ expression }) => expression !== undefined);
  expect(indexes).toHaveLength(9);
  const migrated = new Map<string, string>();
  const declared = new Map<string, string>();
  await em.begin();
  for (const { name = "", expression } of indexes) {
    migrated.set(name, await definition(name));
    await em.execute(`drop index "${name}"`);
    await em.execute(String(expression));
    declared.set(name, await definition(name));
  }
  await em.rollback();
  expect(declared).toEqual(migrated);
});
