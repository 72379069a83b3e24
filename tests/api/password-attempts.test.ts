import { randomUUID } from "node:crypto";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cloneDatabase } from "../support/setup/database.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

// One sign-in a minute from an address: so 4 wrong passwords an hour for an account from there, and 20 from anywhere.
const fromAddress = 4;
const fromAnywhere = 20;

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

let addresses = 0;
const newAddress = () => `198.51.100.${(addresses += 1)}`;

describe.each(transports)("over $name", (transport) => {
  const login = (email: string, password: string, address = newAddress()) =>
    transport.call(
      server.url,
      "auth.login",
      { email, password },
      { headers: { "x-forwarded-for": address } },
    );
  const guess = (email: string, address?: string) => login(email, "wrong password", address);
  beforeEach(() => (addresses = 0));

  test("guesses from many addresses are refused, but not the owner at a known one", async () => {
    const home = newAddress();
    const { email, password } = await signedInUser(server, { transport, overHttp: true });
    expect((await login(email, password, home)).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const guesses = await Promise.all(Array.from({ length: 50 }, () => guess(email)));
      expect(guesses.filter(({ status }) => status === 401)).toHaveLength(fromAnywhere);
      const refused = guesses.filter(({ status }) => status === 429);
      expect(refused).toHaveLength(50 - fromAnywhere);
      expectError(await login(email, password), 429, "RATE_LIMIT_EXCEEDED");
      const wait = Number(refused[0]?.headers.get("retry-after"));
      expect(wait).toBeGreaterThan(3500);
      expect(wait).toBeLessThanOrEqual(3600);
      vi.setSystemTime(Date.now() + 61_000);
      expect((await login(email, password, home)).status).toBe(200);
      vi.setSystemTime(Date.now() + 3_600_000);
      expect((await login(email, password)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test("an account that nobody has is refused at the same count, with the same bytes", async () => {
    const [known, unknown] = [
      await signedInUser(server, { transport, overHttp: true }),
      `${randomUUID()}@example.com`,
    ];
    const flood = async (email: string) => {
      const answers = [];
      for (let i = 0; i <= fromAnywhere; i++) answers.push(await guess(email));
      return answers.map(({ status, text, headers }) => ({
        status,
        text,
        keys: [...headers.keys()],
      }));
    };
    const told = await flood(known.email);
    expect(told.at(-1)?.status).toBe(429);
    expect(await flood(unknown)).toEqual(told);
    // Another spelling is the same account.
    expectError(await guess(` ${unknown.toUpperCase()}`), 429, "RATE_LIMIT_EXCEEDED");
  });

  test("guesses from one address are refused for an hour, known or not, and nobody else is", async () => {
    const address = newAddress();
    const grace = { email: `${randomUUID()}@example.com`, password: "correct horse battery" };
    await transport.call(server.url, "auth.register", grace);
    const ada = await signedInUser(server, { transport, overHttp: true });
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
      expect((await login(ada.email, ada.password, address)).status).toBe(200);
      for (let i = 0; i < fromAddress; i++) {
        later(61);
        expect((await guess(ada.email, address)).status).toBe(401);
      }
      later(61);
      expectError(await login(ada.email, ada.password, address), 429, "RATE_LIMIT_EXCEEDED");
      later(61);
      expect((await login(grace.email, grace.password, address)).status).toBe(200);
      expect((await login(ada.email, ada.password)).status).toBe(200);
      later(3600);
      expect((await login(ada.email, ada.password, address)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test("right passwords are not counted", async () => {
    const { email, password } = await signedInUser(server, { transport, overHttp: true });
    for (let i = 0; i <= fromAnywhere; i++) expect((await login(email, password)).status).toBe(200);
    expect((await guess(email)).status).toBe(401);
  });

  test("asking for the password again counts with the sign-ins", async () => {
    const { email, password, token } = await signedInUser(server, { transport, overHttp: true });
    const ask = (given: string) =>
      transport.call(server.url, "auth.deleteAccount", { password: given }, { token });
    for (let i = 0; i < fromAddress; i++)
      expectError(await ask("wrong password"), 401, "INVALID_CREDENTIALS");
    const refused = await ask(password);
    expectError(refused, 429, "RATE_LIMIT_EXCEEDED");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
    expect((await login(email, password)).status).toBe(200);
  });
});
