import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../process/free-port.ts";

/** A real Redis on a port of its own, to be put through what may happen to one. Nothing is kept on disk. */
export interface RedisServer {
  /** redis://127.0.0.1:port */
  url: string;
  port: number;
  /** Ends it in order, whatever state it is in. */
  stop: () => Promise<void>;
  /** Ends it at once. */
  kill: () => Promise<void>;
  /** From now on it accepts connections and never answers. */
  pause: () => void;
  resume: () => void;
  /** Starts it on the same port, empty; resolves when it takes commands. */
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

/** A Redis on a free port, not started yet. @param args options of redis-server */
export const redisServer = async (...args: string[]): Promise<RedisServer> => {
  const port = await freePort();
  let server: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined) return;
    const gone = once(server, "exit");
    server.kill("SIGCONT");
    server.kill(signal);
    await gone;
    server = undefined;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    pause: () => void server?.kill("SIGSTOP"),
    resume: () => void server?.kill("SIGCONT"),
    start: async () => {
      const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...args];
      server = spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] });
      await untilReady(server);
    },
  };
};

/** The same, started. */
export const startRedis = async (...args: string[]): Promise<RedisServer> => {
  const redis = await redisServer(...args);
  await redis.start();
  return redis;
};
