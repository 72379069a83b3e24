import { randomUUID } from "node:crypto";
import { signedInUser } from "../client/signed-in-user.ts";
import { cloneDatabase } from "../setup/database.ts";
import { type Transport, transports } from "../client/transports.ts";
import { times } from "../setup/property.ts";
import { startServer, type TestServer } from "../setup/server.ts";
import { type Fixture, isRecord } from "./fields.ts";

/** One transport on its own database. All targets receive the same requests, so that all have the same rows. */
export interface Target {
  name: string;
  transport: Transport;
  server: TestServer;
  token: string;
  fixture: Fixture;
}

// Letters with special case rules and SQL pattern characters, as data for searches, filters and orders.
const titles = [
  "own",
  "100% a_b",
  "c\\d",
  "É ß İ ς",
  "ﬀ 🎉",
  "x'y",
  "null",
  "1",
  "01",
  "Ǆ ΐ \u212A",
];

/** Calls a procedure that creates a row; returns the row's id. */
const create = async (
  { transport, server, token }: Target,
  procedure: string,
  input: unknown,
): Promise<number> => {
  const { data, text } = await transport.call(server.url, procedure, input, { token });
  if (!isRecord(data)) throw new Error(`${procedure}: ${text}`);
  return Number(data["id"]);
};

const startTarget = async (
  transport: Transport,
  database: "pglite" | "postgres",
): Promise<Target> => {
  const orm = await cloneDatabase(database);
  return {
    name: `${transport.name} on ${database}`,
    transport,
    server: await startServer({
      orm,
      env: { LOG_LEVEL: "error" },
    }),
    token: "",
    fixture: { task_id: 0, tag_id: 0, session_id: "" },
  };
};

/** Starts both transports on both databases; with FUZZ_TARGETS=2, REST on the embedded one and RPC on PostgreSQL. */
export const startTargets = (): Promise<Target[]> => {
  const databases = ["pglite", "postgres"] as const;
  const areCrossed = times("FUZZ_TARGETS", 4) === 2;
  return Promise.all(
    databases.flatMap((database, i) =>
      (areCrossed ? transports.slice(i, i + 1) : transports).map((transport) =>
        startTarget(transport, database),
      ),
    ),
  );
};

/** Creates a new task and tag for a target, as a call may have deleted the previous ones. */
export const renewFixture = async (target: Target): Promise<void> => {
  const task_id = await create(target, "task.create", { title: "own" });
  const tag_id = await create(target, "tag.create", { name: `own ${task_id}` });
  target.fixture = { task_id, tag_id, session_id: randomUUID() };
};

let users = 0;

/**
 * Signs a new user with some tasks in on every target, so that a test does not see rows of earlier tests. Ids and times
 * are equal on all targets, and so are the cursors.
 */
export const signInNewUser = (targets: readonly Target[], email: string): Promise<unknown> => {
  const id = randomUUID();
  // Above every id that the tests try, or the rows they hit would depend on earlier tests; and above all earlier rows.
  const firstRowId = ++users * 1_000_000;
  return Promise.all(
    targets.map(async (target) => {
      const em = target.server.deps.orm.em.fork();
      for (const table of ["tasks", "tags"])
        await em.execute(`alter sequence ${table}_id_seq restart with ${firstRowId}`);
      const account = await signedInUser(target.server, { email, id });
      target.token = account.token;
      // Equal times on all targets: two tasks of the same millisecond would sort differently on two of them.
      await em.execute(
        `insert into tasks (title, description, user_id, created_at)
          select value, value, ?, timestamptz '2026-01-01 00:00Z' + make_interval(secs => n)
          from jsonb_array_elements_text(?::jsonb) with ordinality as titles (value, n) order by n`,
        [account.id, JSON.stringify(titles)],
      );
      await renewFixture(target);
      await em.execute(
        "update tasks set created_at = timestamptz '2026-01-02 00:00Z' where id = ?",
        [target.fixture.task_id],
      );
    }),
  );
};
