import { expect, onTestFinished, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { newRefreshCookieOf, rest, rpc, transports } from "../support/client/transports.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { secret } from "../support/setup/server.ts";

/** Signs in once more, and returns the tokens of the new session. */
const signInAgain = async (url: string, { email, password }: SignedInUser) => {
  const response = await rest.call(url, "auth.login", { email, password });
  const { access_token: token } = response.data as { access_token: string };
  return { token, cookie: newRefreshCookieOf(response).value };
};

const expectRevoked = async (url: string, { token, cookie }: { token: string; cookie: string }) => {
  for (const transport of transports) {
    const refreshed = await transport.call(url, "auth.refresh", undefined, { cookie });
    expectError(refreshed, 401, "INVALID_TOKEN");
    await expect
      .poll(() => transport.call(url, "auth.me", undefined, { token }))
      .toMatchObject({ status: 401, error: { code: "INVALID_TOKEN" } });
  }
};

test("on PostgreSQL, a running server rejects the refresh tokens at once and the access tokens soon after", async () => {
  const folder = await temporaryFolder();
  const database = await clonePostgres();
  onTestFinished(database.drop);
  const env = { DATABASE_URL: database.url, JWT_SECRET_KEY: secret };
  const { url } = await serve(folder, env);
  const [ada, grace] = [await signedInUser({ url }), await signedInUser({ url })];
  const sessions = [ada, await signInAgain(url, ada)];

  const argument = `  ${ada.email.toUpperCase()} `;
  const revoke = () => finish("revoke-sessions", { folder, env, args: [argument] });
  expect(await revoke()).toEqual({
    code: 0,
    signal: null,
    stdout: `Revoked 2 sessions of ${ada.email}\n`,
    stderr: expect.stringMatching(
      `^\\{.*"event":"sessionsRevoked","user_id":"${ada.id}","reason":"operator","sessions":2,.*\\}\n$`,
    ),
  });
  for (const session of sessions) await expectRevoked(url, session);
  for (const transport of transports) {
    const { token } = grace;
    const me = await transport.call(url, "auth.me", undefined, { token });
    expect(me.data).toMatchObject({ id: grace.id });
  }

  const again = await signInAgain(url, ada);
  expect(await revoke()).toMatchObject({
    code: 0,
    stdout: `Revoked 1 session of ${ada.email}\n`,
  });
  await expectRevoked(url, again);
  expect(await revoke()).toMatchObject({
    code: 0,
    stdout: `Revoked 0 sessions of ${ada.email}\n`,
  });
});

test("on an embedded database, fails while a server uses it; after a stop, the next server rejects all tokens", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const first = await serve(folder);
  const ada = await signedInUser(first, { transport: rpc });
  const revoke = () => finish("revoke-sessions", { folder, args: [ada.email] });
  expect(await revoke()).toEqual({
    code: 1,
    signal: null,
    stdout: "",
    stderr: expect.stringMatching(
      /^Another process uses the embedded database in \.data\. Stop it/,
    ),
  });
  expect((await ada.call("auth.me")).status).toBe(200);
  await first.kill("SIGTERM");

  expect(await revoke()).toMatchObject({
    code: 0,
    stdout: `Revoked 1 session of ${ada.email}\n`,
    stderr: expect.stringContaining('"event":"sessionsRevoked"'),
  });
  const { url } = await serve(folder);
  await expectRevoked(url, ada);
  const { email, password } = ada;
  expect((await rpc.call(url, "auth.login", { email, password })).status).toBe(200);
});

test("fails with one sentence if the address is missing or unknown, or migrations are pending", async () => {
  const folder = await temporaryFolder();
  const { env } = await emptyDatabase();
  const errorOutput = async (args: readonly string[], settings = env) => {
    const { code, stdout, stderr } = await finish("revoke-sessions", {
      folder,
      args,
      env: settings,
    });
    expect([code, stdout]).toEqual([1, ""]);
    return stderr;
  };
  for (const args of [[], [" "], ["a@example.com", "b@example.com"]])
    expect(await errorOutput(args)).toBe("Usage: pnpm revoke-sessions EMAIL\n");
  expect(await errorOutput(["a@example.com"])).toBe(
    "Migrations are pending: run `pnpm migrate up` first\n",
  );
  const migrated = await clonePostgres();
  onTestFinished(migrated.drop);
  expect(await errorOutput([" Unknown@Example.com"], { ...env, DATABASE_URL: migrated.url })).toBe(
    "No account has the address unknown@example.com\n",
  );
});
