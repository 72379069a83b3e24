import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../support/free-port.ts";

export interface Redis {
  url: string;
  process: ChildProcess;
  stop: () => Promise<void>;
}

/** Starts the system's Redis, without a file; nothing, where there is none. */
export const startRedis = async (): Promise<Redis | undefined> => {
  const port = await freePort();
  const process = spawn(
    "redis-server",
    ["--port", String(port), "--save", "", "--bind", "127.0.0.1"],
    {
      stdio: "ignore",
    },
  );
  const started = await Promise.race([
    once(process, "spawn").then(() => true),
    once(process, "error").then(() => false),
  ]);
  if (!started) return undefined;
  return {
    url: `redis://127.0.0.1:${port}`,
    process,
    stop: async () => {
      const gone = once(process, "exit");
      process.kill("SIGKILL");
      await gone;
    },
  };
};
