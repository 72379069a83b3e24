import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finish, temporaryFolder } from "../support/process/test-process.ts";

const secret = "not-hex-but-private";

const faulty = {
  PORT: "abc",
  DATABASE_URL: `mysql://user:${secret}@localhost/db`,
  JWT_SECRET_KEY: secret,
  TRUST_PROXY: "true",
  RATE_LIMIT_LOGIN: "-1",
};

test.each(["main", "migrate"] as const)(
  "%s tells every fault of the configuration at once, by name, without a value",
  async (name) => {
    const folder = await temporaryFolder();
    const began = performance.now();
    const { code, stdout, stderr } = await finish(name, { folder, env: faulty, args: ["up"] });
    expect(performance.now() - began).toBeLessThan(3000);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    const [title, ...faults] = stderr.trimEnd().split("\n");
    expect(title).toBe("The configuration is not valid:");
    const names = faults.map((line) => /^ {2}- (\w+) must /.exec(line)?.[1]);
    expect(new Set(names)).toEqual(new Set(Object.keys(faulty)));
    expect(names).toHaveLength(Object.keys(faulty).length);
    expect(stderr).not.toContain(secret);
  },
);

test("an .env file counts, and what the environment sets already wins", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, ".env"), "PORT=abc\nDB_POOL_MAX=0\n");
  const { code, stderr } = await finish("main", { folder, env: { DB_POOL_MAX: "7" } });
  expect(code).toBe(1);
  expect(stderr).toBe(
    "The configuration is not valid:\n  - PORT must be a whole number from 0 to 65535\n",
  );
});
