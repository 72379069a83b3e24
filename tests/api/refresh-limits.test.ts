import type { Orm } from "@taskwire/server/db/orm.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { countOutcomes } from "../support/client/count-outcomes.ts";
import { expectError } from "../support/client/expect-error.ts";
import { newRefreshCookieOf, transports } from "../support/client/transports.ts";
import { signedInUser, type SignedInUser } from "../support/client/signed-in-user.ts";
import { startServerInState } from "../support/conformance/environments.ts";
import { cloneDatabase } from "../support/setup/database.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

// The default setting; a session has six times as many.
const maxFailures = 10;
const maxPerSession = 60;

let orm: Orm;
beforeAll(async () => {
  orm = await cloneDatabase();
});
afterAll(() => orm.close());

describe.each(transports)("auth.refresh over $name, with the default limits,", (transport) => {
  let server: TestServer;
  let user: SignedInUser;
  beforeEach(async () => {
    server = await startServer({
      env: { RATE_LIMIT_REFRESH: String(maxFailures) },
      orm: { ...orm, close: async () => {} },
    });
    user = await signedInUser(server, { transport });
  });
  afterEach(() => server.close());

  const refresh = (cookie?: string, headers: Record<string, string> = {}) =>
    transport.call(server.url, "auth.refresh", undefined, { cookie, headers });
  const atOnce = (count: number, call: () => ReturnType<typeof refresh>) =>
    Promise.all(Array.from({ length: count }, call));

  test("twelve tabs that refresh one session at once all get 200", async () => {
    expect(countOutcomes(await atOnce(12, () => refresh(user.cookie)))).toEqual({ 200: 12 });
  });

  test("twenty reloads in a minute, each with the cookie of the one before, all get 200", async () => {
    let { cookie } = user;
    for (let i = 0; i < 20; i++) {
      const response = await refresh(cookie);
      expect(response).toMatchObject({ status: 200 });
      cookie = newRefreshCookieOf(response).value;
    }
  });

  test("a session gets 60 refreshes, then 429 with Retry-After; another session still gets 200", async () => {
    const responses = await atOnce(maxPerSession + 20, () => refresh(user.cookie));
    expect(countOutcomes(responses)).toEqual({ 200: maxPerSession, RATE_LIMIT_EXCEEDED: 20 });
    const rejected = await refresh(user.cookie);
    expectError(rejected, 429, "RATE_LIMIT_EXCEEDED");
    expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(Number(rejected.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    const other = await signedInUser(server, { transport });
    expect(await refresh(other.cookie)).toMatchObject({ status: 200 });
  });

  const badCookies: [kind: string, code: string, cookie: () => Promise<string | undefined>][] = [
    ["no token", "MISSING_REFRESH_TOKEN", async () => undefined],
    ["a malformed token", "INVALID_TOKEN", async () => "a.b.c"],
    ["an access token", "INVALID_TOKEN_TYPE", async () => user.token],
    [
      "two valid tokens",
      "INVALID_TOKEN",
      async () => {
        const other = await signedInUser(server, { transport });
        return `${user.cookie}; refresh_token=${other.cookie}`;
      },
    ],
    [
      "an expired token",
      "REFRESH_TOKEN_EXPIRED",
      async () => {
        server.clock.advance(604_800 + 6);
        return user.cookie;
      },
    ],
    [
      "a reused token",
      "INVALID_TOKEN",
      async () => {
        const first = await refresh(user.cookie);
        await refresh(newRefreshCookieOf(first).value);
        server.clock.advance(11);
        return user.cookie;
      },
    ],
    [
      "a token of a revoked session",
      "INVALID_TOKEN",
      async () => {
        await transport.call(server.url, "auth.logout", undefined, { cookie: user.cookie });
        return user.cookie;
      },
    ],
  ];

  test.each(badCookies)(
    "of 50 at once with %s, 10 get %s and 40 get 429; a valid token from there still gets 200",
    async (_, code, cookie) => {
      const bad = await cookie();
      const responses = await atOnce(50, () => refresh(bad));
      expect(countOutcomes(responses)).toEqual({ [code]: maxFailures, RATE_LIMIT_EXCEEDED: 40 });
      for (const { status, headers } of responses)
        expect(Number(headers.get("retry-after")) > 0).toBe(status === 429);
      const other = await signedInUser(server, { transport });
      expect(await refresh(other.cookie)).toMatchObject({ status: 200 });
      expectError(await refresh(bad), 429, "RATE_LIMIT_EXCEEDED");
    },
  );

  test("a page of a foreign origin gets 403 every time, and takes no point", async () => {
    const headers = { origin: "https://evil.example" };
    const responses = await atOnce(maxPerSession * 2, () => refresh(user.cookie, headers));
    expect(countOutcomes(responses)).toEqual({ FORBIDDEN_ORIGIN: maxPerSession * 2 });
    expectError(await refresh(), 401, "MISSING_REFRESH_TOKEN");
    expect(await refresh(user.cookie)).toMatchObject({ status: 200 });
  });
});

describe.each(transports)("auth.refresh over $name, with a limit of one,", (transport) => {
  test("gets 503 every time while the database is unavailable, and takes no point", async () => {
    const server = await startServerInState("unavailable", { RATE_LIMIT_REFRESH: "1" });
    try {
      const { cookie } = await signedInUser(server, { transport, stored: false });
      for (let i = 0; i < 10; i++) {
        const response = await transport.call(server.url, "auth.refresh", undefined, { cookie });
        expectError(response, 503, "SERVICE_UNAVAILABLE");
      }
    } finally {
      await server.close();
    }
  });
});
