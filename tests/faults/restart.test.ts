import { migrateUp } from "@taskwire/server/db/migrator.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectRecovery, type Fault } from "../support/faults/recovery.ts";
import { type PostgresServer, startPostgres } from "../support/external/postgres.ts";

/** What strikes a whole PostgreSQL needs one that nobody else uses. */
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres(20);
  const orm = await openPostgres(postgres.url, { poolMin: 0, poolMax: 2, statementTimeout: false });
  await migrateUp(orm);
  await orm.close();
});
afterAll(() => postgres.stop());

/** Ends it, until it is taken back. */
const halting = (how: Parameters<PostgresServer["halt"]>[0]): Fault["strike"] => {
  return async () => {
    await postgres.halt(how);
    return () => postgres.start();
  };
};

const faults: readonly Fault[] = [
  { name: "restarts", strike: halting("fast") },
  { name: "crashes, and has to recover", strike: halting("immediate") },
  { name: "is gone for a while", strike: halting("fast"), refusals: 100 },
  {
    name: "is frozen",
    refusals: 1,
    strike: async ({ sql }) => {
      const rows = await sql<{ pid: number }>(
        "select pid from pg_stat_activity where application_name = 'taskwire'",
      );
      for (const { pid } of rows) process.kill(pid, "SIGSTOP");
      return async () => {
        for (const { pid } of rows) process.kill(pid, "SIGCONT");
      };
    },
  },
  {
    name: "has no connection left",
    strike: async ({ proxy, session }) => {
      const taken: pg.Client[] = [];
      const takeAll = async (): Promise<never> => {
        for (;;) taken.push(await session());
      };
      await proxy.set("refuse");
      await expect(takeAll()).rejects.toMatchObject({ code: "53300" });
      await proxy.set("pass");
      return () => Promise.all(taken.map((client) => client.end()));
    },
  },
];

test.for(faults)("traffic endures that PostgreSQL $name", (fault) =>
  expectRecovery(postgres.url, fault),
);
