import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { OperatorError } from "@taskwire/server/errors.ts";
import { root } from "../../support/docs/documents.ts";
import { startPostgres } from "../../support/external/postgres.ts";
import { type Executable, start } from "../../support/process/executable.ts";
import { freePort } from "../../support/process/free-port.ts";
import { settings, untilListening } from "../targets.ts";
import { orpc, type Protocol, rest, trpc } from "./calls.ts";

/** A server of the comparison. */
export interface Server {
  name: string;
  url: string;
  pid: number;
  protocol: Protocol;
}

const ours = [
  { name: "taskwire REST", protocol: rest("/api/v1") },
  { name: "taskwire tRPC", protocol: trpc },
];

const peers = [
  { name: "Fastify with ajv", executable: "peers/fastify", protocol: rest() },
  { name: "ts-rest", executable: "peers/ts-rest", protocol: rest() },
  { name: "Hono", executable: "peers/hono", protocol: rest() },
  { name: "oRPC on node:http", executable: "peers/orpc-rpc", protocol: orpc },
  { name: "oRPC OpenAPI", executable: "peers/orpc-openapi", protocol: rest() },
  { name: "oRPC on Fastify", executable: "peers/orpc-fastify", protocol: orpc },
  { name: "tRPC on Fastify", executable: "peers/trpc-fastify", protocol: trpc },
] as const satisfies { name: string; executable: Executable; protocol: Protocol }[];

const run = promisify(execFile);

const folderOfPeers = join(root, "tests/bench/peers");

/** Whether the packages of the lock file are installed. pnpm itself would need the registry to say so. */
const areInstalled = async (): Promise<boolean> => {
  const wanted = await readFile(join(folderOfPeers, "pnpm-lock.yaml"), "utf8");
  const copy = join(folderOfPeers, "node_modules/.pnpm/lock.yaml");
  return wanted === (await readFile(copy, "utf8").catch(() => ""));
};

/**
 * Installs the peers' packages beside their servers, if they are not there yet.
 * @throws {OperatorError} without the registry
 */
const installPeers = async (): Promise<void> => {
  if (await areInstalled()) return;
  const args = ["-y", "pnpm@12", "install", "--frozen-lockfile", "--prefer-offline"];
  try {
    await run("npx", args, { cwd: folderOfPeers });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as Partial<Record<string, string>>;
    throw new OperatorError(
      `The packages of tests/bench/peers could not be installed. The first run needs the npm registry.\n${stdout}${stderr}`,
      { cause: error },
    );
  }
};

/**
 * Installs and starts all servers, and runs some work with them. Stops everything at its end.
 * @param report gets a line for each step
 */
export const withPeers = async (
  report: (line: string) => void,
  work: (servers: readonly Server[]) => Promise<void>,
): Promise<void> => {
  const cleanups: (() => unknown)[] = [];
  const startServer = async (
    executable: Executable,
    folder: string,
    database: Record<string, string> = {},
  ): Promise<{ url: string; pid: number }> => {
    const port = await freePort();
    const env = { ...settings, ...database, PORT: String(port) };
    const server = start(executable, { folder, env, lifetime: 0 });
    cleanups.unshift(() => server.kill("SIGKILL"));
    const url = `http://127.0.0.1:${port}`;
    await untilListening(url, server);
    return { url, pid: server.pid };
  };
  try {
    report("Installing the other servers");
    await installPeers();
    const folder = await mkdtemp(join(tmpdir(), "taskwire-bench-"));
    cleanups.unshift(() => rm(folder, { recursive: true }));
    report("Starting PostgreSQL, which no call uses, and the servers");
    const postgres = await startPostgres();
    cleanups.unshift(postgres.stop);
    const orm = await openPostgres(postgres.url, {
      poolMin: 0,
      poolMax: 1,
      statementTimeout: false,
    });
    await migrateUp(orm);
    await orm.close();
    const database = { DATABASE_URL: postgres.url };
    await work(
      await Promise.all([
        // One process for each of our transports: each peer has one too, and so V8 optimizes nothing for the other.
        ...ours.map(async (each): Promise<Server> => {
          const process = await startServer("procedures", folder, database);
          return Object.assign(process, each);
        }),
        ...peers.map(async ({ executable, name, protocol }): Promise<Server> => {
          const process = await startServer(executable, folder);
          return Object.assign(process, { name, protocol });
        }),
      ]),
    );
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
};
