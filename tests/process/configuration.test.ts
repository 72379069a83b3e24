import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finish, temporaryFolder } from "../support/process/test-process.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";

const secret = "not-hex-but-private";

const invalidEnv = {
  PORT: "abc",
  DATABASE_URL: `mysql://user:${secret}@localhost/db`,
  JWT_SECRET_KEY: secret,
  TRUST_PROXY: "true",
  RATE_LIMIT_LOGIN: "-1",
};

test.each(["main", "migrate"] as const)(
  "%s lists every invalid setting by name, without values, and exits with 1",
  async (name) => {
    const folder = await temporaryFolder();
    const startedAt = performance.now();
    const { code, stdout, stderr } = await finish(name, { folder, env: invalidEnv, args: ["up"] });
    expectPromisedTime(`${name} rejects its settings`, performance.now() - startedAt, 3000);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    const [title, ...settings] = stderr.trimEnd().split("\n");
    expect(title).toBe("The configuration is not valid:");
    const names = settings.map((line) => /^ {2}- (\w+) must /.exec(line)?.[1]);
    expect(new Set(names)).toEqual(new Set(Object.keys(invalidEnv)));
    expect(names).toHaveLength(Object.keys(invalidEnv).length);
    expect(stderr).not.toContain(secret);
  },
);

test("settings are read from .env, and variables of the environment override them", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, ".env"), "PORT=abc\nDB_POOL_MAX=0\n");
  const { code, stderr } = await finish("main", { folder, env: { DB_POOL_MAX: "7" } });
  expect(code).toBe(1);
  expect(stderr).toBe(
    "The configuration is not valid:\n  - PORT must be a whole number from 0 to 65535\n",
  );
});

test.each(["main", "migrate", "seed", "import-users", "revoke-sessions"] as const)(
  "in production, %s without DATABASE_URL and DATA_DIR exits with 1 and creates nothing",
  async (name) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "users.jsonl"), "");
    const outcome = await finish(name, {
      folder,
      env: { NODE_ENV: "production", JWT_SECRET_KEY: `${"0f".repeat(31)}a9`, PORT: "0" },
      args: [name === "migrate" ? "up" : "users.jsonl"],
    });
    expect(outcome).toMatchObject({
      code: 1,
      stdout: "",
      stderr:
        "The configuration is not valid:\n  - DATABASE_URL, or DATA_DIR for the embedded database, is required with NODE_ENV=production\n",
    });
    expect(await readdir(folder)).toEqual(["users.jsonl"]);
  },
);
