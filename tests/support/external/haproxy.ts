import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../process/free-port.ts";

/** A real haproxy in front of servers on this machine. */
interface Haproxy {
  /** http://127.0.0.1:port */
  url: string;
  stop: () => Promise<void>;
}

/** The retries of haproxy's own default, and none at all. */
const retryOptions = { with: ["retries 3", "option redispatch"], without: ["retries 0"] };

const isListening = async (url: string): Promise<boolean> => {
  try {
    await fetch(`${url}/health/live`);
    return true;
  } catch {
    return false;
  }
};

/**
 * Starts haproxy with the configuration that docs/operations.md recommends. It reuses connections to the servers.
 * @param folder where its configuration is written
 * @param ports of the servers
 */
export const startHaproxy = async (
  folder: string,
  ports: readonly number[],
  retries: keyof typeof retryOptions,
): Promise<Haproxy> => {
  const port = await freePort();
  const file = join(folder, "haproxy.cfg");
  const lines = [
    "defaults",
    "mode http",
    "timeout connect 2s",
    "timeout client 30s",
    "timeout server 30s",
    ...retryOptions[retries],
    "frontend http",
    `bind 127.0.0.1:${port}`,
    "default_backend taskwire",
    "backend taskwire",
    "balance roundrobin",
    "http-reuse always",
    "option httpchk GET /health/ready",
    // Longer than the recommended one: a check of a busy test machine may be slow.
    "timeout check 5s",
    "default-server check inter 1s fastinter 250ms fall 2 rise 2",
    ...ports.map((each) => `server replica-${each} 127.0.0.1:${each}`),
    "",
  ];
  await writeFile(file, lines.join("\n"));
  const child = spawn("haproxy", ["-db", "-f", file], { stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, "exit").catch((cause: unknown) => {
    throw new Error("No haproxy in the path. Install it: apt-get install haproxy", { cause });
  });
  const url = `http://127.0.0.1:${port}`;
  const ended = exited.then(() => "ended" as const);
  while (!(await isListening(url))) {
    if ((await Promise.race([ended, sleep(50)])) === "ended")
      throw new Error(`haproxy did not start:\n${output}`);
  }
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
};
