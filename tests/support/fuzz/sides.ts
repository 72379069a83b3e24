import { randomUUID } from "node:crypto";
import { addAccount } from "../account.ts";
import { cloneDatabase } from "../database.ts";
import { type Face, faces } from "../faces.ts";
import { startServer, type TestServer } from "../server.ts";
import { type Fixture, isRecord } from "./fields.ts";

/** A face on a database of its own: what one side is told, the others are told too, so that all have the same rows. */
export interface Side {
  name: string;
  face: Face;
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
  { face, server, token }: Pick<Side, "face" | "server" | "token">,
  procedure: string,
  input: unknown,
): Promise<number> => {
  const { data, text } = await face.call(server.url, procedure, input, { token });
  if (!isRecord(data)) throw new Error(`${procedure}: ${text}`);
  return Number(data["id"]);
};

const startSide = async (face: Face, database: "pglite" | "postgres"): Promise<Side> => {
  const orm = await cloneDatabase(database);
  // Far from the numbers that are tried as ids: which of those exist would depend on what ran before.
  for (const table of ["tasks", "tags"])
    await orm.em.execute(`alter sequence ${table}_id_seq restart with 1000000`);
  return {
    name: `${face.name} on ${database}`,
    face,
    server: await startServer({
      orm,
      env: { LOG_LEVEL: "error" },
    }),
    token: "",
    fixture: { task_id: 0, tag_id: 0, session_id: "" },
  };
};

/** Both faces on both databases. One after the other: while PGlite starts, nobody else has time to connect. */
export const startSides = async (): Promise<Side[]> => {
  const sides: Side[] = [];
  for (const database of ["pglite", "postgres"] as const)
    for (const face of faces) sides.push(await startSide(face, database));
  return sides;
};

/** Makes a side's own task and tag anew, as something may have deleted them. */
export const renew = async (side: Side): Promise<void> => {
  const task_id = await idOf(side, "task.create", { title: "own" });
  const tag_id = await idOf(side, "tag.create", { name: `own ${task_id}` });
  side.fixture = { task_id, tag_id, session_id: randomUUID() };
};

/** Gives every side another user, with some tasks, so that no test meets what another one made. */
export const changeUser = (sides: readonly Side[], email: string): Promise<unknown> =>
  Promise.all(
    sides.map(async (side) => {
      const account = await addAccount(side.server, email);
      side.token = account.token;
      for (const title of titles) await idOf(side, "task.create", { title, description: title });
      await renew(side);
      // Two made in one millisecond by chance would be in another order here than there.
      await side.server.deps.orm.em
        .fork()
        .execute(
          "update tasks set created_at = timestamptz '2026-01-01' + make_interval(secs => id) where user_id = ?",
          [account.id],
        );
    }),
  );
