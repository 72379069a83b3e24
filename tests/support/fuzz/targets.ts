import { randomUUID } from "node:crypto";
import { signedInUser } from "../client/signed-in-user.ts";
import { cloneDatabase } from "../setup/database.ts";
import { type Transport, transports } from "../client/transports.ts";
import { startServer, type TestServer } from "../setup/server.ts";
import { type Fixture, isRecord } from "./fields.ts";

/** A transport on a database of its own: what one target is told, the others are told too, so that all have the same rows. */
export interface Target {
  name: string;
  transport: Transport;
  server: TestServer;
  token: string;
  fixture: Fixture;
}

// For searches, filters and orders to find: letters of several cases, and signs that mean something to a pattern.
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

const idOf = async (
  { transport, server, token }: Pick<Target, "transport" | "server" | "token">,
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
  // Far from the numbers that are tried as ids: which of those exist would depend on what ran before.
  for (const table of ["tasks", "tags"])
    await orm.em.execute(`alter sequence ${table}_id_seq restart with 1000000`);
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

/** Both transports on both databases. One after the other: while PGlite starts, nobody else has time to connect. */
export const startTargets = async (): Promise<Target[]> => {
  const targets: Target[] = [];
  for (const database of ["pglite", "postgres"] as const)
    for (const transport of transports) targets.push(await startTarget(transport, database));
  return targets;
};

/** Makes a target's own task and tag anew, as something may have deleted them. */
export const renew = async (target: Target): Promise<void> => {
  const task_id = await idOf(target, "task.create", { title: "own" });
  const tag_id = await idOf(target, "tag.create", { name: `own ${task_id}` });
  target.fixture = { task_id, tag_id, session_id: randomUUID() };
};

/** Gives every target another user, with some tasks, so that no test meets what another one made. */
export const changeUser = (targets: readonly Target[], email: string): Promise<unknown> =>
  Promise.all(
    targets.map(async (target) => {
      const account = await signedInUser(target.server, { email });
      target.token = account.token;
      for (const title of titles) await idOf(target, "task.create", { title, description: title });
      await renew(target);
      // Two made in one millisecond by chance would be in another order here than there.
      await target.server.deps.orm.em
        .fork()
        .execute(
          "update tasks set created_at = timestamptz '2026-01-01' + make_interval(secs => id) where user_id = ?",
          [account.id],
        );
    }),
  );
