import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectRecovery, type Fault } from "../support/faults/recovery.ts";
import type { PostgresServer } from "../support/external/postgres.ts";
import { startMigratedPostgres } from "../support/setup/database.ts";

/** These faults hit a whole PostgreSQL. */
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startMigratedPostgres();
});
afterAll(() => postgres.stop());

/** Stops PostgreSQL, and starts it again. */
const halt = (mode: Parameters<PostgresServer["halt"]>[0]): Fault["inject"] => {
  return async () => {
    await postgres.halt(mode);
    return () => postgres.start();
  };
};

const faults: readonly Fault[] = [
  { name: "PostgreSQL restarts", inject: halt("fast") },
  { name: "PostgreSQL crashes and recovers", inject: halt("immediate") },
  {
    name: "PostgreSQL is stopped until 100 calls have failed",
    inject: halt("fast"),
    minErrors: 100,
  },
  {
    name: "PostgreSQL's processes are frozen",
    minErrors: 1,
    inject: async ({ sql }) => {
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
    name: "PostgreSQL has no free connection",
    inject: async ({ proxy, session }) => {
      const taken: pg.Client[] = [];
      const takeAll = async (): Promise<never> => {
        // PostgreSQL's default is 100 connections.
        while (taken.length < 1000) taken.push(await session());
        throw new Error("PostgreSQL accepts a thousand connections");
      };
      await proxy.set("reject");
      await expect(takeAll()).rejects.toMatchObject({ code: "53300" });
      await proxy.set("pass");
      return () => Promise.all(taken.map((client) => client.end()));
    },
  },
];

// As an array, because vitest truncates `$name`.
test.for(faults.map((fault) => [fault.name, fault] as const))(
  "%s: calls fail with 503 at worst, recover, and lose no acknowledged change",
  ([, fault]) => expectRecovery(postgres.url, fault),
);
