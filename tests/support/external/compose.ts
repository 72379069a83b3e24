import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { services } from "../docs/compose.ts";
import { textOf } from "../docs/documents.ts";
import { freePort } from "../process/free-port.ts";
import { required } from "../setup/required.ts";

/** A program of docker-compose.yml on this machine. */
interface Program {
  url: string;
  stop: () => Promise<void>;
}

/** Replaces a part of a file's text that a container may have, and a test not. Throws if the text lacks it. */
const replaced = (text: string, part: string, by: string): string => {
  if (!text.includes(part)) throw new Error(`Missing: ${part}`);
  return text.replace(part, by);
};

const stopper = (child: ChildProcess) => async (): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
};

/** Returns the value of a variable without one in the environment: NAME of `${OTHER:-NAME}`. */
const defaultOf = (value: string | undefined): string =>
  required(/^\$\{\w+:-(.*)\}$/.exec(value ?? "")?.[1], "a default");

interface ProxyOptions {
  /** Where its configuration is written. */
  folder: string;
  /** The address of the DNS server that lists the servers, and their port. */
  dns: string;
  port: number;
  /** The setting OUTER_PROXY; by default that of docker-compose.yml. */
  outerProxy?: string;
}

/** Starts haproxy with the file of docker-compose.yml, except for the addresses of the DNS server and of its own. */
export const startComposeProxy = async (options: ProxyOptions): Promise<Program> => {
  const own = await freePort();
  const file = join(options.folder, `haproxy-${own}.cfg`);
  const text = textOf("docs/operations/compose-haproxy.cfg");
  const here = replaced(text, "bind :8000", `bind 127.0.0.1:${own}`);
  await writeFile(file, replaced(here, "127.0.0.11:53", options.dns));
  // -dW: a warning is an error.
  const child = spawn("haproxy", ["-db", "-dW", "-f", file], {
    env: {
      PORT: String(options.port),
      OUTER_PROXY: options.outerProxy ?? defaultOf(services.proxy.environment?.["OUTER_PROXY"]),
      PATH: process.env["PATH"],
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "exit").then(() => "ended" as const);
  const url = `http://127.0.0.1:${own}`;
  while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) {
    if ((await Promise.race([ended, sleep(50)])) === "ended")
      throw new Error(`haproxy did not start:\n${output}`);
  }
  return { url, stop: stopper(child) };
};

/** Runs the proxy's health check of docker-compose.yml against a port. Rejects if the proxy is not healthy. */
export const checkComposeProxy = async ({ url }: Program): Promise<void> => {
  const [, program = "", option = "", script = ""] = services.proxy.healthcheck?.test ?? [];
  await promisify(execFile)(program, [option, replaced(script, "8000", new URL(url).port)]);
};

/** Starts Redis with the command of docker-compose.yml, except for its port. */
export const startComposeRedis = async (password: string): Promise<Program> => {
  const port = await freePort();
  const [shell = "", option = "", script = ""] = services.redis.command ?? [];
  const here = `redis-server --bind 127.0.0.1 --port ${port} -`;
  // Compose replaces $$ by $.
  const text = replaced(script.replaceAll("$$", "$"), "redis-server -", here);
  const child = spawn(shell, [option, text], {
    env: { REDISCLI_AUTH: password, PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("Ready to accept connections")) resolve();
    });
    child.once("exit", () => reject(new Error(`Redis did not start:\n${output}`)));
  });
  await ready;
  return { url: `redis://:${password}@127.0.0.1:${port}`, stop: stopper(child) };
};
