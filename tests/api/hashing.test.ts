import type { Orm } from "@taskwire/server/db/orm.ts";
import { createHashSlots } from "@taskwire/server/security/hash-slots.ts";
import {
  createPasswordHashing,
  type PasswordHashing,
} from "@taskwire/server/security/password-hashing.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { countOutcomes } from "../support/client/count-outcomes.ts";
import { expectError } from "../support/client/expect-error.ts";
import { signedInUser, type SignedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { cloneDatabase } from "../support/setup/database.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const limit = 5;

let orm: Orm;
let passwords: PasswordHashing;
let server: TestServer;
beforeAll(async () => {
  orm = await cloneDatabase();
  // One at a time, each slow enough that all calls of a test arrive before the first ones are done.
  const cost = { memoryCost: 2048, timeCost: 2, parallelism: 1 };
  passwords = await createPasswordHashing(cost, createHashSlots(1));
});
afterEach(() => server.close());
afterAll(() => orm.close());

const start = async (env: Record<string, string> = {}): Promise<void> => {
  server = await startServer({
    env: { TRUST_PROXY: "127.0.0.1", ...env },
    orm: { ...orm, close: async () => {} },
    passwords,
  });
};

const times = <Result>(count: number, call: (i: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, i) => call(i)));

describe.each(transports)("over $name", (transport) => {
  const callFrom = (address: string, procedure: string, input: unknown, token?: string) =>
    transport.call(server.url, procedure, input, {
      token,
      headers: { "x-forwarded-for": address },
    });
  const changePassword = (address: string, { token, password }: SignedInUser) =>
    callFrom(
      address,
      "auth.changePassword",
      { current_password: password, new_password: password },
      token,
    );
  const deleteAccount = (address: string, { token }: SignedInUser) =>
    callFrom(address, "auth.deleteAccount", { password: "wrong password" }, token);
  const register = (address: string, { email }: SignedInUser) =>
    callFrom(address, "auth.register", { email: `new.${email}`, password: "correct horse" });
  /** Signs in 40 times at once, each time from another address, and returns how often each outcome occurred. */
  const signIns = async ({ email, password }: SignedInUser, count = 40) => {
    const input = { email, password };
    return countOutcomes(
      await times(count, (i) => callFrom(`198.51.100.${i}`, "auth.login", input)),
    );
  };

  describe("with the default limit of 5 a minute", () => {
    beforeEach(() => start({ RATE_LIMIT_LOGIN: String(limit) }));

    test("of 100 password changes at once by one user from many addresses, 95 get 429, and 40 sign-ins of another user succeed", async () => {
      const user = await signedInUser(server, { transport });
      const other = await signedInUser(server, { transport });
      const changes = times(100, (i) => changePassword(`192.0.2.${i}`, user));
      expect(await signIns(other)).toEqual({ 200: 40 });
      expect(countOutcomes(await changes)["RATE_LIMIT_EXCEEDED"]).toBe(100 - limit);
    });

    test.each([
      [
        "auth.changePassword with the correct password",
        "auth.deleteAccount",
        changePassword,
        undefined,
      ],
      [
        "auth.deleteAccount with a wrong password",
        "auth.changePassword",
        deleteAccount,
        "INVALID_CREDENTIALS",
      ],
    ])(
      "5 calls of %s leave none for %s to the same user anywhere, and none for other users at that address",
      async (_, second, first, code) => {
        const secondCall = second === "auth.deleteAccount" ? deleteAccount : changePassword;
        const user = await signedInUser(server, { transport });
        const other = await signedInUser(server, { transport });
        for (let i = 0; i < limit; i++)
          expect((await first("192.0.2.1", user)).error?.code).toBe(code);
        for (const rejected of [
          await secondCall("192.0.2.2", user),
          await secondCall("192.0.2.1", other),
        ]) {
          expectError(rejected, 429, "RATE_LIMIT_EXCEEDED");
          expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
          expect(Number(rejected.headers.get("retry-after"))).toBeLessThanOrEqual(60);
        }
        expect(await changePassword("192.0.2.2", other)).toMatchObject({ error: undefined });
        expect(await signIns(user, 1)).toEqual({ 200: 1 });
      },
    );
  });

  describe("without an effective rate limit", () => {
    beforeEach(() => start());

    test("100 password changes at once by one user have one slot, so 40 sign-ins of another user succeed", async () => {
      const user = await signedInUser(server, { transport });
      const other = await signedInUser(server, { transport });
      const changes = times(100, () => changePassword("192.0.2.1", user));
      expect(await signIns(other)).toEqual({ 200: 40 });
      await changes;
    });

    test("while registrations and password changes have their half of the queue, further ones get 503, and 33 sign-ins at once succeed", async () => {
      const user = await signedInUser(server, { transport });
      const gate = Promise.withResolvers<void>();
      const half = Array.from({ length: 32 }, () =>
        server.deps.passwords.withSlot(() => gate.promise, { kind: "other" }),
      );
      for (const call of [register, changePassword, deleteAccount])
        expectError(await call("192.0.2.1", user), 503, "SERVICE_UNAVAILABLE");
      const unread = await transport.call(server.url, "auth.register", {});
      expectError(unread, 503, "SERVICE_UNAVAILABLE");
      expect(await signIns(user, 33)).toEqual({ 200: 33 });
      gate.resolve();
      await Promise.all(half);
      expect(await register("192.0.2.1", user)).toMatchObject({ error: undefined });
    });
  });
});
