import type { Orm } from "@taskwire/server/db/orm.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { expect, test } from "vitest";
import { clonePostgres } from "../support/setup/database.ts";
import { startProxy } from "../support/external/proxy.ts";

const ask = (orm: Orm): Promise<unknown> => orm.em.fork().execute("select pg_sleep(0.1)");

test("who calls alone meets one dead connection at most, not each in turn", async () => {
  const { url, drop } = await clonePostgres();
  const proxy = await startProxy(Number(new URL(url).port));
  const behind = Object.assign(new URL(url), { port: String(proxy.port) }).href;
  const orm = await openPostgres(behind, { poolMin: 5, poolMax: 5 });
  try {
    await Promise.all(Array.from({ length: 5 }, () => ask(orm)));
    proxy.abandon();
    await expect(ask(orm)).rejects.toThrow("PostgreSQL gave no answer within 2900 ms");
    for (let i = 0; i < 5; i++) await ask(orm);
  } finally {
    await orm.close();
    await proxy.close();
    await drop();
  }
});
