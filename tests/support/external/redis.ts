import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../process/free-port.ts";

/** A real Redis on a port of its own, which a test can stop, kill or pause. It stores nothing on disk. */
export interface RedisServer {
  /** redis://127.0.0.1:port */
  url: string;
  port: number;
  /** Shuts it down with SIGTERM, in whatever state it is. */
  stop: () => Promise<void>;
  /** Kills it with SIGKILL. */
  kill: () => Promise<void>;
  /** Freezes it: it still accepts connections, and sends no replies until `resume`. */
  pause: () => void;
  resume: () => void;
  /** Starts it on the same port, without data; resolves when it accepts commands. */
  start: () => Promise<void>;
}

const untilReady = (server: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let output = "";
    server.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("Ready to accept connections")) resolve();
    });
    server.once("error", (cause) =>
      reject(
        new Error("No redis-server in the path. Install it: apt-get install redis-server", {
          cause,
        }),
      ),
    );
    server.once("exit", () => reject(new Error(`Redis did not start:\n${output}`)));
  });

/** Creates a Redis on a free port without starting it. @param args options of redis-server */
export const redisServer = async (...args: string[]): Promise<RedisServer> => {
  const port = await freePort();
  let server: ChildProcess | undefined;
  const terminate = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined) return;
    const exited = once(server, "exit");
    server.kill("SIGCONT");
    server.kill(signal);
    await exited;
    server = undefined;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: () => terminate("SIGTERM"),
    kill: () => terminate("SIGKILL"),
    pause: () => void server?.kill("SIGSTOP"),
    resume: () => void server?.kill("SIGCONT"),
    start: async () => {
      const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...args];
      server = spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] });
      await untilReady(server);
    },
  };
};

/** Creates and starts a Redis on a free port. @param args options of redis-server */
export const startRedis = async (...args: string[]): Promise<RedisServer> => {
  const redis = await redisServer(...args);
  await redis.start();
  return redis;
};
