import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { type Options, served, start } from "../support/process/executable.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import { skipsWithoutLinux } from "../support/setup/requirements.ts";

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

const argumentsOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
const variablesOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");

test.skipIf(skipsWithoutLinux)(
  "a server started without options limits its memory, and keeps its process id",
  async () => {
    const folder = await temporaryFolder();
    const { env } = await emptyDatabase();
    const { pid, stderr } = await serve(folder, env);
    expect(argumentsOf(pid)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^--max-semi-space-size=\d+$/),
        expect.stringMatching(/^--heap-growing-percent=\d+$/),
      ]),
    );
    expect(variablesOf(pid)).toContain("MALLOC_ARENA_MAX=1");
    expect(stderr).toBe("");
  },
);

test.skipIf(skipsWithoutLinux)(
  "options and variables of the operator win over the server's own",
  async () => {
    const folder = await temporaryFolder();
    const { env } = await emptyDatabase();
    const ours = { NODE_OPTIONS: "--max-semi-space-size=32", MALLOC_ARENA_MAX: "4" };
    const node = ["--heap-growing-percent=100"];
    const { pid } = await serveWith({ folder, env: { ...env, ...ours }, node });
    expect(argumentsOf(pid).join(" ")).not.toContain("semi-space");
    expect(argumentsOf(pid)).toContain("--heap-growing-percent=100");
    expect(variablesOf(pid)).toContain("MALLOC_ARENA_MAX=4");
  },
);
