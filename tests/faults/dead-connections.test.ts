import type { Orm } from "@taskwire/server/db/orm.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { expect, test } from "vitest";
import { clonePostgres } from "../support/setup/database.ts";
import { startProxy } from "../support/external/proxy.ts";

const query = (orm: Orm): Promise<unknown> => orm.em.fork().execute("select pg_sleep(0.1)");

test("closes a connection only when it has received nothing for the limit, however long it is in use", async () => {
  const { url, drop } = await clonePostgres();
  const proxy = await startProxy(Number(new URL(url).port));
  const proxiedUrl = Object.assign(new URL(url), { port: String(proxy.port) }).href;
  const orm = await openPostgres(proxiedUrl, { poolMin: 1, poolMax: 1, silence: 1000 });
  let answered = 0;
  try {
    const used = orm.em.fork().transactional(async (em) => {
      for (; answered < 5; answered++) await em.execute("select pg_sleep(0.3)");
      proxy.abandon();
      await em.execute("select 1");
    });
    await expect(used).rejects.toThrow("PostgreSQL did not answer within 1000 ms");
    expect(answered).toBe(5);
  } finally {
    await orm.close();
    await proxy.close();
    await drop();
  }
});

test("replaces all dead connections after the first time-out", async () => {
  const { url, drop } = await clonePostgres();
  const proxy = await startProxy(Number(new URL(url).port));
  const proxiedUrl = Object.assign(new URL(url), { port: String(proxy.port) }).href;
  const orm = await openPostgres(proxiedUrl, { poolMin: 5, poolMax: 5 });
  try {
    await Promise.all(Array.from({ length: 5 }, () => query(orm)));
    proxy.abandon();
    await expect(query(orm)).rejects.toThrow("PostgreSQL did not answer within 2900 ms");
    for (let i = 0; i < 5; i++) await query(orm);
  } finally {
    await orm.close();
    await proxy.close();
    await drop();
  }
});
