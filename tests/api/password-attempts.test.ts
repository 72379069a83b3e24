import { randomUUID } from "node:crypto";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cloneDatabase } from "../support/setup/database.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

// RATE_LIMIT_LOGIN=1 allows this many wrong passwords an hour for one account: 4 from one address, 20 from all.
const maxFromAddress = 4;
const maxFromAll = 20;

let orm: Orm;
let server: TestServer;
beforeAll(async () => {
  orm = await cloneDatabase();
});
beforeEach(async () => {
  server = await startServer({
    env: { RATE_LIMIT_LOGIN: "1", TRUST_PROXY: "127.0.0.1" },
    orm: { ...orm, close: async () => {} },
  });
});
afterEach(() => server.close());
afterAll(() => orm.close());

let addressCount = 0;
const newAddress = () => `198.51.100.${(addressCount += 1)}`;

describe.each(transports)("over $name", (transport) => {
  const login = (email: string, password: string, address = newAddress()) =>
    transport.call(
      server.url,
      "auth.login",
      { email, password },
      { headers: { "x-forwarded-for": address } },
    );
  const loginWithWrongPassword = (email: string, address?: string) =>
    login(email, "wrong password", address);
  beforeEach(() => (addressCount = 0));

  test("20 wrong passwords from many addresses: 429 for that account for an hour, except at an address of an earlier sign-in", async () => {
    const knownAddress = newAddress();
    const { email, password } = await signedInUser(server, { transport, overHttp: true });
    expect((await login(email, password, knownAddress)).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const attempts = await Promise.all(
        Array.from({ length: 50 }, () => loginWithWrongPassword(email)),
      );
      expect(attempts.filter(({ status }) => status === 401)).toHaveLength(maxFromAll);
      const rejected = attempts.filter(({ status }) => status === 429);
      expect(rejected).toHaveLength(50 - maxFromAll);
      expectError(await login(email, password), 429, "RATE_LIMIT_EXCEEDED");
      const retryAfter = Number(rejected[0]?.headers.get("retry-after"));
      expect(retryAfter).toBeGreaterThan(3500);
      expect(retryAfter).toBeLessThanOrEqual(3600);
      vi.setSystemTime(Date.now() + 61_000);
      expect((await login(email, password, knownAddress)).status).toBe(200);
      vi.setSystemTime(Date.now() + 3_600_000);
      expect((await login(email, password)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  /** Uses up the wrong passwords of an account from all addresses together. */
  const lockOut = async (email: string) => {
    for (let i = 0; i < maxFromAll; i++)
      expect((await loginWithWrongPassword(email)).status).toBe(401);
  };

  test("after 20 wrong passwords from many addresses, each address of an earlier sign-in can still sign in", async () => {
    const addresses = [newAddress(), newAddress(), newAddress()];
    const { email, password } = await signedInUser(server, { transport });
    for (const address of addresses)
      expect((await login(email, password, address)).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      await lockOut(email);
      vi.setSystemTime(Date.now() + 61_000);
      expectError(await login(email, password), 429, "RATE_LIMIT_EXCEEDED");
      for (const address of addresses)
        expect((await login(email, password, address)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test("the addresses of an account's last 100 sessions are known, that of the 101st is not", async () => {
    const { id, email, password } = await signedInUser(server, { transport });
    const [oldest, other] = [newAddress(), newAddress()];
    const em = orm.em.fork();
    await em.execute("delete from sessions where user_id = ?", [id]);
    await em.execute(
      `insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
       select gen_random_uuid(), ?, case age when 101 then ? else ? end, now, now - make_interval(secs => age), now, now
       from generate_series(1, 101) age, now()`,
      [id, oldest, other],
    );
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      await lockOut(email);
      expectError(await login(email, password, oldest), 429, "RATE_LIMIT_EXCEEDED");
      const newest = "select id from sessions where user_id = ? order by rotated_at desc limit 1";
      await em.execute(`delete from sessions where id = (${newest})`, [id]);
      vi.setSystemTime(Date.now() + 61_000);
      expect((await login(email, password, oldest)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test("an unknown e-mail address gets the same responses as an existing one, with 429 after the same count", async () => {
    const [known, unknown] = [
      await signedInUser(server, { transport, overHttp: true }),
      `${randomUUID()}@example.com`,
    ];
    const attemptRepeatedly = async (email: string) => {
      const responses = [];
      for (let i = 0; i <= maxFromAll; i++) responses.push(await loginWithWrongPassword(email));
      return responses.map(({ status, text, headers }) => ({
        status,
        text,
        keys: [...headers.keys()],
      }));
    };
    const responsesToKnown = await attemptRepeatedly(known.email);
    expect(responsesToKnown.at(-1)?.status).toBe(429);
    expect(await attemptRepeatedly(unknown)).toEqual(responsesToKnown);
    // Another spelling of the address counts as the same account.
    expectError(
      await loginWithWrongPassword(` ${unknown.toUpperCase()}`),
      429,
      "RATE_LIMIT_EXCEEDED",
    );
  });

  test("4 wrong passwords from one address: 429 for that account from there, even after earlier sign-ins; others succeed", async () => {
    const address = newAddress();
    const grace = { email: `${randomUUID()}@example.com`, password: "correct horse battery" };
    await transport.call(server.url, "auth.register", grace);
    const ada = await signedInUser(server, { transport, overHttp: true });
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const advance = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
      expect((await login(ada.email, ada.password, address)).status).toBe(200);
      for (let i = 0; i < maxFromAddress; i++) {
        advance(61);
        expect((await loginWithWrongPassword(ada.email, address)).status).toBe(401);
      }
      advance(61);
      expectError(await login(ada.email, ada.password, address), 429, "RATE_LIMIT_EXCEEDED");
      advance(61);
      expect((await login(grace.email, grace.password, address)).status).toBe(200);
      expect((await login(ada.email, ada.password)).status).toBe(200);
      advance(3600);
      expect((await login(ada.email, ada.password, address)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test("correct passwords do not count as attempts", async () => {
    const { email, password } = await signedInUser(server, { transport, overHttp: true });
    for (let i = 0; i <= maxFromAll; i++) expect((await login(email, password)).status).toBe(200);
    expect((await loginWithWrongPassword(email)).status).toBe(401);
  });

  test("4 wrong passwords to auth.deleteAccount: the correct one returns 429, a sign-in from another address succeeds", async () => {
    const { email, password, token } = await signedInUser(server, { transport, overHttp: true });
    const deleteAccount = (attempt: string) =>
      transport.call(server.url, "auth.deleteAccount", { password: attempt }, { token });
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      for (let i = 0; i < maxFromAddress; i++) {
        expectError(await deleteAccount("wrong password"), 401, "INVALID_CREDENTIALS");
        // The call's own limit is one a minute.
        vi.setSystemTime(Date.now() + 61_000);
      }
      const rejected = await deleteAccount(password);
      expectError(rejected, 429, "RATE_LIMIT_EXCEEDED");
      expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThan(60);
      expect((await login(email, password)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });
});
