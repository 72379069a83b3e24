import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { startPostgres } from "../support/external/postgres.ts";
import { type Executable, type Running, start } from "../support/process/executable.ts";
import { freePort } from "../support/process/free-port.ts";
import { type BenchUser, secret, seed, signedInUsers, type Size } from "./data.ts";

/** The servers that are compared. */
export type TargetName = "taskwire" | "baseline" | "stock" | "embedded";

export interface Target {
  name: TargetName;
  url: string;
  pid: number;
  users: readonly BenchUser[];
}

const executables: Record<TargetName, Executable> = {
  taskwire: "main",
  embedded: "main",
  baseline: "baseline",
  stock: "stock",
};

/** What every measured server is started with. */
export const settings = {
  NODE_ENV: "production",
  // The hand-written server writes no log either.
  LOG_LEVEL: "warn",
  // As in the image.
  MALLOC_ARENA_MAX: "1",
  JWT_SECRET_KEY: secret,
  RATE_LIMIT_LOGIN: "1000000",
  RATE_LIMIT_CALLS_PER_USER: "0",
  RATE_LIMIT_CALLS_PER_ADDRESS: "0",
};

/** The databases, and the servers that are started on them. */
export interface Bench {
  targets: Record<TargetName, Target>;
  /** Deletes what an operation has created, so that each round finds the same tables. */
  reset: () => Promise<void>;
}

const isListening = async (url: string): Promise<boolean> => {
  try {
    await fetch(url);
    return true;
  } catch {
    return false;
  }
};

/** Waits until a server has a response for any request: without its log, it does not say that it listens. */
export const untilListening = async (url: string, server: Running): Promise<void> => {
  const exited = server.exited.then(() => "exited" as const);
  while (!(await isListening(url))) {
    if ((await Promise.race([exited, sleep(50)])) === "exited")
      throw new Error(`A server did not start:\n${server.stdout}${server.stderr}`);
  }
};

/** The embedded database has fewer users: it is filled through the same protocol, one statement at a time. */
const embeddedUsers = 10;

/** Delete what operations have created. */
export const resetStatements = [
  "delete from tasks where title like 'Bench %'",
  "delete from sessions",
  "vacuum analyze tasks",
  "vacuum analyze sessions",
];

/**
 * Starts a PostgreSQL and all servers, fills the databases, and runs some work with them. Stops everything at its end.
 * @param report gets a line for each step
 */
export const withBench = async (
  size: Size,
  report: (line: string) => void,
  work: (bench: Bench) => Promise<void>,
): Promise<void> => {
  const cleanups: (() => unknown)[] = [];
  const folder = await mkdtemp(join(tmpdir(), "taskwire-bench-"));
  cleanups.unshift(() => rm(folder, { recursive: true }));
  try {
    report("Starting PostgreSQL");
    const postgres = await startPostgres(100, { settings: ["shared_buffers=256MB"] });
    cleanups.unshift(postgres.stop);
    const orm = await openPostgres(postgres.url, {
      poolMin: 0,
      poolMax: 1,
      statementTimeout: false,
    });
    cleanups.unshift(orm.close);
    await migrateUp(orm);
    report(`Inserting ${size.users} users with ${size.tasksPerUser} tasks each`);
    await seed(orm, size);
    const users = await signedInUsers(orm);
    const dataDir = join(folder, "data");
    const embedded = await openEmbedded(dataDir, { migrate: migrateUp, statementTimeout: false });
    let embeddedRows: BenchUser[];
    try {
      await seed(embedded, { ...size, users: embeddedUsers, tasksOfLargeUser: size.tasksPerUser });
      embeddedRows = await signedInUsers(embedded);
    } finally {
      await embedded.close();
    }
    const startTarget = async (name: TargetName): Promise<Target> => {
      const database: Record<string, string> =
        name === "embedded" ? { DATA_DIR: dataDir } : { DATABASE_URL: postgres.url };
      const port = await freePort();
      const env = { ...settings, ...database, PORT: String(port) };
      const server = start(executables[name], { folder, env, lifetime: 0 });
      cleanups.unshift(() => server.kill("SIGKILL"));
      const url = `http://127.0.0.1:${port}`;
      await untilListening(url, server);
      return {
        name,
        url,
        pid: server.pid,
        users: name === "embedded" ? embeddedRows : users,
      };
    };
    report("Starting the servers");
    const targets = {
      taskwire: await startTarget("taskwire"),
      baseline: await startTarget("baseline"),
      stock: await startTarget("stock"),
      embedded: await startTarget("embedded"),
    };
    await work({ targets, reset: () => execute(orm, resetStatements) });
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
};

const execute = async ({ em }: Orm, statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await em.execute(statement);
};
