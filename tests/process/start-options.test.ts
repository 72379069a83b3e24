import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { type Options, served, start, startOptions } from "../support/process/executable.ts";
import { temporaryFolder } from "../support/process/test-process.ts";

const serveWith = async ({ env, ...options }: Options) => {
  const running = start("main", { ...options, env: { PORT: "0", ...env } });
  onTestFinished(async () => {
    await running.kill("SIGKILL");
  });
  return served(running);
};

/** Makes a process write the URL of every module that it loads to standard error. */
const logModules = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({ load: (url, context, next) => (console.error("loaded " + url), next(url, context)) });
`)}`;

test("a server on PostgreSQL loads no package of what is switched off by default", async () => {
  const folder = await temporaryFolder();
  const { env } = await emptyDatabase();
  const JWT_SECRET_KEY = randomBytes(32).toString("hex");
  const settings = { ...env, JWT_SECRET_KEY, NODE_ENV: "production" };
  const { stderr } = await serveWith({ folder, env: settings, node: ["--import", logModules] });
  const packages = new Set(
    stderr
      .split("\n")
      .map(
        (line) => /^((?:@[^/]+\/)?[^/]+)\//.exec(line.split("/node_modules/").at(-1) ?? "")?.[1],
      ),
  );
  expect(packages).toContain("fastify");
  expect(packages).toContain("@mikro-orm/core");
  for (const name of [
    "@electric-sql/pglite",
    "@opentelemetry/api",
    "@opentelemetry/sdk-trace",
    "@platformatic/prom-client",
    "ioredis",
    "pino-pretty",
    "tar",
  ])
    expect(packages).not.toContain(name);
});

test("the script that starts the server limits the memory of new objects", () => {
  expect(startOptions).toEqual([expect.stringMatching(/^--max-semi-space-size=\d+$/)]);
});
