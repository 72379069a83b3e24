import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { rest } from "../support/client/transports.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { ed25519Pair, rsaPair } from "../support/setup/key-pairs.ts";
import { required } from "../support/setup/required.ts";
import { secret } from "../support/setup/server.ts";

const [ed, weak] = [ed25519Pair(), rsaPair(1024)];

/** Writes values to files, and returns the settings that name them. */
const inFiles = async (folder: string, values: Record<string, string>) => {
  const entries = Object.entries(values).map(async ([name, value]) => {
    const path = join(folder, name);
    await writeFile(path, `${value}\n`, { mode: 0o600 });
    return [`${name}_FILE`, path] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
};

test("the server reads every secret from a file, and logs none of them", async () => {
  const folder = await temporaryFolder();
  const database = await clonePostgres();
  onTestFinished(database.drop);
  const values = {
    DATABASE_URL: database.url,
    // A Redis that does not exist: rate limits are counted in the process then.
    REDIS_URL: "redis://:redis-password@127.0.0.1:1/0",
    JWT_SECRET_KEY: secret,
    JWT_PREVIOUS_SECRET_KEYS: "5ec2e8".repeat(11),
    JWT_PRIVATE_KEY: ed.privatePem,
    JWT_PUBLIC_KEYS: rsaPair().publicPem,
  };
  const server = await serve(folder, { ...(await inFiles(folder, values)), LOG_LEVEL: "trace" });
  const ada = await signedInUser(server);
  const me = await rest.call(server.url, "auth.me", undefined, { token: ada.token });
  expect(me.data).toMatchObject({ id: ada.id });
  const set = await (await fetch(`${server.url}/.well-known/jwks.json`)).json();
  expect(set).toMatchObject({ keys: [{ alg: "EdDSA" }, { alg: "RS256" }] });
  await server.until(/Redis is unavailable/);
  await server.kill("SIGTERM");
  const output = server.stdout + server.stderr;
  const body = ed.privatePem.split("\n")[1];
  for (const text of [secret, values.JWT_PREVIOUS_SECRET_KEYS, body, "redis-password", ada.token])
    expect(output).not.toContain(text);
});

test.each([
  ["a weak RSA key", { JWT_PRIVATE_KEY: weak.privatePem }],
  ["a damaged key", { JWT_PRIVATE_KEY: ed.privatePem.replace("MC4", "AAAA") }],
  ["a private key in place of a public one", { JWT_PUBLIC_KEYS: ed.privatePem }],
  ["a malformed secret", { JWT_SECRET_KEY: `${secret}x` }],
  ["a malformed list of secrets", { JWT_PREVIOUS_SECRET_KEYS: `${secret};${secret}` }],
  ["a malformed URL of PostgreSQL", { DATABASE_URL: `postgres//user:${secret}@localhost/x` }],
  ["a malformed URL of Redis", { REDIS_URL: `redis//:${secret}@localhost` }],
])("with %s, by a variable or a file, it exits with one sentence without it", async (_, values) => {
  const folder = await temporaryFolder();
  const [name, value] = required(Object.entries<string>(values)[0], "a setting");
  const lines = value.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  for (const env of [values, await inFiles(folder, values)]) {
    const { code, stdout, stderr } = await finish("main", { folder, env });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      new RegExp(`^The configuration is not valid:\n  - ${name} must [^\n]+\n$`),
    );
    for (const text of [...lines, secret]) expect(stderr).not.toContain(text);
  }
});

test("with a setting and its file, or a file that is missing, it exits with a sentence for each", async () => {
  const folder = await temporaryFolder();
  const env = {
    JWT_SECRET_KEY: secret,
    ...(await inFiles(folder, { JWT_SECRET_KEY: secret })),
    DATABASE_URL_FILE: join(folder, "missing"),
  };
  for (const name of ["main", "migrate", "seed"] as const) {
    const { code, stderr } = await finish(name, { folder, env, args: ["up"] });
    expect(code).toBe(1);
    expect(stderr).toBe(`The configuration is not valid:
  - DATABASE_URL_FILE must name a file that the server can read (ENOENT)
  - JWT_SECRET_KEY_FILE must not be set together with JWT_SECRET_KEY
`);
  }
});
