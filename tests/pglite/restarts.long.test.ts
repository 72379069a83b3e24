import fc from "fast-check";
import type { PoolClient } from "pg";
import { expect, test, vi } from "vitest";
import { openCopy } from "../support/setup/embedded-copy.ts";
import { repeated, times } from "../support/setup/property.ts";
import { required } from "../support/setup/required.ts";

/** Calls fail until the database is open again. The limit only ends a loop that would never end. */
const reopening = { timeout: 60_000 };

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
