import type { Orm } from "@taskwire/server/db/orm.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { countOutcomes } from "../support/client/count-outcomes.ts";
import { expectError } from "../support/client/expect-error.ts";
import { signedInUser, type SignedInUser } from "../support/client/signed-in-user.ts";
import { type Transport, transports } from "../support/client/transports.ts";
import { cloneDatabase } from "../support/setup/database.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let orm: Orm;
let server: TestServer;
beforeAll(async () => {
  orm = await cloneDatabase();
});
afterEach(() => server.close());
afterAll(() => orm.close());

const start = async (env: Record<string, string>): Promise<void> => {
  server = await startServer({
    env: { TRUST_PROXY: "127.0.0.1", ...env },
    orm: { ...orm, close: async () => {} },
  });
};

/** Calls auth.me, from an address if one is passed. */
const callMe = (transport: Transport, user?: SignedInUser, address = "192.0.2.1") =>
  transport.call(server.url, "auth.me", undefined, {
    token: user?.token,
    headers: { "x-forwarded-for": address },
  });

describe.each(transports)("over $name", (transport) => {
  const newUser = () => signedInUser(server, { transport });

  test("three calls a minute for a user: the fourth gets 429 anywhere, and one call is accepted exactly after Retry-After", async () => {
    await start({ RATE_LIMIT_CALLS_PER_USER: "3" });
    const [user, other] = [await newUser(), await newUser()];
    for (let i = 0; i < 3; i++)
      expect(await callMe(transport, user, `192.0.2.${i}`)).toMatchObject({ status: 200 });
    const rejected = await callMe(transport, user, "192.0.2.9");
    expectError(rejected, 429, "RATE_LIMIT_EXCEEDED");
    expect(rejected.headers.get("retry-after")).toBe("20");
    expect(await callMe(transport, other, "192.0.2.1")).toMatchObject({ status: 200 });

    server.clock.advance(19.999);
    const early = await callMe(transport, user);
    expectError(early, 429, "RATE_LIMIT_EXCEEDED");
    expect(early.headers.get("retry-after")).toBe("1");
    server.clock.advance(0.001);
    expect(await callMe(transport, user)).toMatchObject({ status: 200 });
    expectError(await callMe(transport, user), 429, "RATE_LIMIT_EXCEEDED");
  });

  test("ten minutes without calls leave a full bucket, and no more", async () => {
    await start({ RATE_LIMIT_CALLS_PER_USER: "7" });
    const user = await newUser();
    for (let round = 0; round < 2; round++) {
      const responses = await Promise.all(
        Array.from({ length: 20 }, () => callMe(transport, user)),
      );
      expect(countOutcomes(responses)).toEqual({ 200: 7, RATE_LIMIT_EXCEEDED: 13 });
      server.clock.advance(600);
    }
  });

  test("three calls a minute for an address: calls without a valid token count, and count for no user", async () => {
    await start({ RATE_LIMIT_CALLS_PER_ADDRESS: "3", RATE_LIMIT_CALLS_PER_USER: "1" });
    const user = await newUser();
    expectError(await callMe(transport), 401, "MISSING_TOKEN");
    expectError(await callMe(transport, { ...user, token: "a.b.c" }), 401, "INVALID_TOKEN");
    const login = { email: user.email, password: "wrong password" };
    const headers = { "x-forwarded-for": "192.0.2.1" };
    const signIn = () => transport.call(server.url, "auth.login", login, { headers });
    expectError(await signIn(), 401, "INVALID_CREDENTIALS");
    for (const rejected of [
      await callMe(transport, user),
      await callMe(transport),
      await signIn(),
    ]) {
      expectError(rejected, 429, "RATE_LIMIT_EXCEEDED");
      expect(rejected.headers.get("retry-after")).toBe("20");
    }
    // The rejected call of the user took none of the user's points.
    expect(await callMe(transport, user, "192.0.2.2")).toMatchObject({ status: 200 });
    server.clock.advance(20);
    expectError(await callMe(transport), 401, "MISSING_TOKEN");
  });

  test("the addresses of one IPv6 /64 network share a limit", async () => {
    await start({ RATE_LIMIT_CALLS_PER_ADDRESS: "2" });
    for (const [address, status] of [
      ["2001:db8:1:2::1", 401],
      ["2001:db8:1:2::2", 401],
      ["2001:db8:1:2:ffff::3", 429],
      ["2001:db8:1:3::1", 401],
    ] as const)
      expect(await callMe(transport, undefined, address)).toMatchObject({ status });
  });

  test("0 sets no limit", async () => {
    await start({ RATE_LIMIT_CALLS_PER_USER: "0", RATE_LIMIT_CALLS_PER_ADDRESS: "0" });
    const user = await newUser();
    const responses = await Promise.all(Array.from({ length: 100 }, () => callMe(transport, user)));
    expect(countOutcomes(responses)).toEqual({ 200: 100 });
  });
});

test("each call of a tRPC batch counts: of 10 calls with a limit of 5, five get RATE_LIMIT_EXCEEDED", async () => {
  await start({ RATE_LIMIT_CALLS_PER_USER: "5" });
  const { token } = await signedInUser(server);
  const paths = Array(10).fill("auth.me").join(",");
  const response = await fetch(`${server.url}/trpc/${paths}?batch=1`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(207);
  // A batch responds with one object for each call, with `error` if it failed.
  const results = (await response.json()) as { error?: { data: { code: string } } }[];
  const codes = results.flatMap(({ error }) => error?.data.code ?? []);
  expect(codes).toEqual(Array(5).fill("RATE_LIMIT_EXCEEDED"));
  expect(response.headers.get("retry-after")).toBe("12");
});
