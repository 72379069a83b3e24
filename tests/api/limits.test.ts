import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { cloneDatabase } from "../support/setup/database.ts";
import { expectError } from "../support/client/expect-error.ts";
import { type Transport, transports } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const limits = { RATE_LIMIT_REGISTER: "5", RATE_LIMIT_LOGIN: "5", RATE_LIMIT_REFRESH: "10" };

let orm: Orm;
let server: TestServer;
beforeAll(async () => {
  orm = await cloneDatabase();
});
afterEach(() => server.close());
afterAll(() => orm.close());

const start = async (env: Record<string, string> = {}): Promise<void> => {
  server = await startServer({
    env: { ...limits, ...env },
    orm: { ...orm, close: async () => {} },
  });
};

const login = (
  transport: Transport,
  headers: Record<string, string> = {},
  email = `${randomUUID()}@example.com`,
) => transport.call(server.url, "auth.login", { email, password: "wrong password" }, { headers });

describe.each(transports)("over $name", (transport) => {
  describe("with the contract's limits", () => {
    beforeEach(() => start());

    test.each([
      ["auth.register", 5],
      ["auth.login", 5],
      ["auth.refresh", 10],
    ])(
      "%s returns 429 with Retry-After (1 to 60 s) after %i failed attempts in a minute",
      async (procedure, limit) => {
        const attempt = () => transport.call(server.url, procedure, { email: "x", password: 5 });
        for (let i = 0; i < limit; i++) expect((await attempt()).status).not.toBe(429);
        const rejected = await attempt();
        expectError(rejected, 429, "RATE_LIMIT_EXCEEDED");
        expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
        expect(Number(rejected.headers.get("retry-after"))).toBeLessThanOrEqual(60);
      },
    );

    test("50 concurrent sign-ins: 5 return 401, 45 return 429", async () => {
      const responses = await Promise.all(Array.from({ length: 50 }, () => login(transport)));
      expect(responses.filter(({ status }) => status === 401)).toHaveLength(5);
      expect(responses.filter(({ status }) => status === 429)).toHaveLength(45);
    });

    test("after 5 sign-ins a correct password returns 429; auth.refresh and auth.me still succeed", async () => {
      const { email, password, cookie, token } = await signedInUser(server, {
        transport,
        overHttp: true,
      });
      for (let i = 0; i < 4; i++) await login(transport, {}, email);
      expectError(
        await transport.call(server.url, "auth.login", { email, password }),
        429,
        "RATE_LIMIT_EXCEEDED",
      );
      expect((await transport.call(server.url, "auth.refresh", undefined, { cookie })).status).toBe(
        200,
      );
      expect((await transport.call(server.url, "auth.me", undefined, { token })).status).toBe(200);
    });

    test("without TRUST_PROXY, requests with different forwarded addresses share one limit", async () => {
      let addresses = 0;
      const spoofedHeaders = () => {
        const address = `10.0.0.${++addresses}`;
        return {
          "x-forwarded-for": address,
          "x-real-ip": address,
          forwarded: `for=${address}`,
          "cf-connecting-ip": address,
        };
      };
      for (let i = 0; i < 5; i++)
        expect((await login(transport, spoofedHeaders())).status).toBe(401);
      expectError(await login(transport, spoofedHeaders()), 429, "RATE_LIMIT_EXCEEDED");
    });
  });

  describe("with TRUST_PROXY set to the proxy's address", () => {
    beforeEach(() => start({ TRUST_PROXY: "127.0.0.1" }));

    test("each forwarded client address has its own limit", async () => {
      for (let i = 1; i <= 7; i++)
        expect((await login(transport, { "x-forwarded-for": `192.0.2.${i}` })).status).toBe(401);
    });

    test.each([
      [
        "addresses sent by the client before the one that the proxy appends",
        (i: number) => `10.0.0.${i}, 192.0.2.1`,
      ],
      ["addresses of one IPv6 /64 network", (i: number) => `2001:db8:1:2::${i}`],
      [
        "one IPv4 address, plain and IPv4-mapped",
        (i: number) => (i % 2 ? "192.0.2.9" : "::ffff:192.0.2.9"),
      ],
      [
        "malformed addresses",
        (i: number) => ["abc", "1.2.3.4:99", "1.2.3.4.5", "x".repeat(4096)][i % 4] ?? "",
      ],
    ])("%s share one limit", async (_, address) => {
      for (let i = 0; i < 5; i++)
        expect((await login(transport, { "x-forwarded-for": address(i) })).status).toBe(401);
      expectError(
        await login(transport, { "x-forwarded-for": address(5) }),
        429,
        "RATE_LIMIT_EXCEEDED",
      );
    });
  });
});

describe("one rate limit for both transports", () => {
  test("three sign-ins over REST and two over tRPC use the limit of 5: the next returns 429", async () => {
    await start();
    const [rest, rpc] = transports as [Transport, Transport];
    for (const transport of [rest, rpc, rest, rpc, rest])
      expect((await login(transport)).status).toBe(401);
    expectError(await login(rpc), 429, "RATE_LIMIT_EXCEEDED");
  });

  test("every call of a tRPC batch counts: of 10 sign-ins, 5 return RATE_LIMIT_EXCEEDED", async () => {
    await start();
    const calls = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [i, { email: "a", password: "b" }]),
    );
    const response = await fetch(
      `${server.url}/trpc/${Array(10).fill("auth.login").join(",")}?batch=1`,
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(calls),
      },
    );
    const results = (await response.json()) as { error: { data: { code: string } } }[];
    const codes = results.map(({ error }) => error.data.code).toSorted();
    expect(response.status).toBe(207);
    expect(codes).toEqual([
      ...Array(5).fill("INVALID_CREDENTIALS"),
      ...Array(5).fill("RATE_LIMIT_EXCEEDED"),
    ]);
  });

  test("sign-in is possible again after Retry-After; rejected attempts do not extend it", async () => {
    // The limiter uses the process's clock. Only Date is faked; timers and sockets stay real.
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      await start();
      const [transport] = transports as [Transport];
      for (let i = 0; i < 5; i++) await login(transport);
      vi.setSystemTime(Date.now() + 30_000);
      const rejected = await login(transport);
      const retryAfter = Number(rejected.headers.get("retry-after"));
      expect(retryAfter).toBeLessThanOrEqual(30);
      await login(transport);
      vi.setSystemTime(Date.now() + retryAfter * 1000);
      expect((await login(transport)).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });
});
