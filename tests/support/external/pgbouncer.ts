import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../process/free-port.ts";
import { unprivileged } from "./postgres.ts";

/**
 * Starts pgbouncer in transaction mode in front of a PostgreSQL.
 * @param url the database behind it
 * @param settings in addition, as NAME=VALUE
 * @returns the same database's URL through it, and a function that stops it
 */
export const startPgbouncer = async (
  url: string,
  settings: readonly string[] = [],
): Promise<{ url: string; stop: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-pgbouncer-"));
  const { hostname, port: databasePort, username, pathname } = new URL(url);
  const port = await freePort();
  const file = join(folder, "pgbouncer.ini");
  const lines = [
    "[databases]",
    `* = host=${hostname} port=${databasePort} user=${username}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    ...settings,
  ];
  await writeFile(file, lines.join("\n"));
  // Like PostgreSQL, it does not run as root.
  await chmod(folder, 0o755);
  if (unprivileged !== undefined) await chown(folder, unprivileged.uid, unprivileged.gid);
  const bouncer = spawn("pgbouncer", [file], {
    ...unprivileged,
    env: { PATH: `${process.env["PATH"]}:/usr/sbin` },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(bouncer, "exit");
  await new Promise<void>((resolve, reject) => {
    let output = "";
    bouncer.once("error", reject);
    bouncer.once("exit", () => reject(new Error(`pgbouncer did not start:\n${output}`)));
    bouncer.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("process up")) resolve();
    });
  });
  return {
    url: `postgresql://${username}@127.0.0.1:${port}${pathname}`,
    stop: async () => {
      bouncer.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
};
