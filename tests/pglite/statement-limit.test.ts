import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import fc from "fast-check";
import type { PoolClient } from "pg";
import { expect, onTestFinished, test, vi } from "vitest";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { copyEmbedded } from "../support/setup/database.ts";
import { repeated, times } from "../support/setup/property.ts";
import { required } from "../support/setup/required.ts";
import { startServer } from "../support/setup/server.ts";

/** Never ends by itself. */
const endless = `
  with recursive numbers (n) as (select 1::bigint union all select n + 1 from numbers)
  select count(*) from numbers`;

/** Calls fail until the database is open again. The limit only ends a loop that would never end. */
const reopening = { timeout: 60_000 };

const openCopy = async (warnings: string[]): Promise<Orm> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-limit-"));
  await copyEmbedded(join(folder, "data"));
  const orm = await openEmbedded(join(folder, "data"), {
    log: { warn: (...args: unknown[]) => void warnings.push(String(args.at(-1))) },
  });
  onTestFinished(async () => {
    await orm.close();
    await rm(folder, { recursive: true, force: true });
  });
  return orm;
};

test("while a statement never ends, the server responds; it is ended at its limit, and all calls succeed again", async () => {
  const warnings: string[] = [];
  const orm = await openCopy(warnings);
  const server = await startServer({ orm });
  const ada = await signedInUser(server);
  for (const transport of transports) {
    const created = await transport.call(
      server.url,
      "task.create",
      { title: transport.name },
      { token: ada.token },
    );
    expect(created.data).toMatchObject({ title: transport.name });
  }
  let ended = false;
  const statement = orm.em
    .fork()
    .execute(endless)
    .finally(() => (ended = true));
  for (let request = 1; request <= 100; request++) {
    expect((await send(server.url, { method: "GET", path: "/health" })).status).toBe(200);
  }
  expect(ended).toBe(false);
  await expect(statement).rejects.toThrow("did not answer within 5000 ms");
  for (const transport of transports) {
    await vi.waitFor(async () => {
      const list = await transport.call(server.url, "task.list", {}, { token: ada.token });
      expect(list.data).toMatchObject({ total: transports.length });
    }, reopening);
  }
  expect(warnings).toContain(
    "A statement of the embedded database took too long: opening the database again",
  );
});

test("when the database is ended at any point of a series of writes, every acknowledged row is there afterwards", async () => {
  const orm = await openCopy([]);
  const pool = await orm.em.getConnection().getNativeClient();
  let client: PoolClient | undefined;
  pool.on("acquire", (acquired) => (client = acquired));
  const acknowledged: number[] = [];
  await orm.em.fork().execute("create table written (n integer primary key)");
  const insert = async (n: number): Promise<void> => {
    await orm.em.fork().execute("insert into written values (?)", [n]);
    acknowledged.push(n);
  };
  let next = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(20), async (before) => {
      for (let count = 0; count < before; count++) await insert(next++);
      const last = insert(next++);
      // After the statement was sent.
      await new Promise(setImmediate);
      required(client, "a connection").connection.stream.destroy();
      await last.catch(() => {});
      await vi.waitFor(async () => {
        const rows = await orm.em.fork().execute<{ n: number }[]>("select n from written");
        expect(rows.map(({ n }) => n)).toEqual(expect.arrayContaining(acknowledged));
      }, reopening);
    }),
    { numRuns: times("RESTARTS", 8), ...repeated },
  );
});
