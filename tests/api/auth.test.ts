import { randomUUID } from "node:crypto";
import { token as tokenSchema, user as userSchema } from "@taskwire/shared";
import argon2 from "argon2";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { newRefreshCookieOf, transports } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const password = "correct horse battery";
const newEmail = () => `${randomUUID()}@example.com`;

describe.each(transports)("over $name", (transport) => {
  const call = (
    ...args: Parameters<typeof transport.call> extends [string, ...infer Rest] ? Rest : never
  ) => transport.call(server.url, ...args);

  describe("register", () => {
    const register = (input: unknown) => call("auth.register", input);

    test("creates the account and returns only id, email, trimmed name and created_at", async () => {
      const email = newEmail();
      const response = await register({ email, password, name: "  Ada Lovelace " });
      expect(response.status).toBe(transport.name === "REST" ? 201 : 200);
      expect(response.data).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        email,
        name: "Ada Lovelace",
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect(response.headers.get("cache-control")).toBe("no-store");
    });

    test("measures the name in code points, after it was trimmed: 255 are valid", async () => {
      const name = "\u{1F389}".repeat(255);
      const response = await register({ email: newEmail(), password, name: ` ${name}\n` });
      expect(response.data).toMatchObject({ name });
    });

    test("ignores id, password_hash, is_admin and created_at in the input", async () => {
      const id = randomUUID();
      const response = await register({
        email: newEmail(),
        password,
        id,
        password_hash: "x",
        is_admin: true,
        created_at: "2000-01-01T00:00:00Z",
      });
      expect(response.data).toMatchObject({ name: null });
      expect(response.data).not.toMatchObject({ id });
      expect(response.text).not.toMatch(/password|is_admin|2000-01-01/);
      const { email: stored } = userSchema.parse(response.data);
      expect((await call("auth.login", { email: stored, password })).error).toBeUndefined();
    });

    test("rejects an address that differs only in case and outer spaces: EMAIL_ALREADY_EXISTS", async () => {
      const email = newEmail();
      await register({ email, password });
      const response = await register({ email: `  ${email.toUpperCase()} `, password });
      expectError(response, 400, "EMAIL_ALREADY_EXISTS", "email");
    });

    test("of 20 concurrent registrations of one address, one succeeds: 19 get EMAIL_ALREADY_EXISTS", async () => {
      const email = newEmail();
      const responses = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          register({ email: i % 2 ? email : email.toUpperCase(), password }),
        ),
      );
      expect(responses.filter(({ error }) => error === undefined)).toHaveLength(1);
      expect(responses.filter(({ error }) => error?.code === "EMAIL_ALREADY_EXISTS")).toHaveLength(
        19,
      );
    });

    test.each([
      ["no @", "no-at-sign"],
      ["no dot in the domain", "a@localhost"],
      ["two dots", "a..b@example.com"],
      ["an inner space", "a b@example.com"],
      ["an inner newline", "a\nb@example.com"],
      ["a local part of 65", `${"a".repeat(65)}@example.com`],
      [
        "255 characters",
        `a@${"b".repeat(60)}.${"c".repeat(63)}.${"d".repeat(63)}.${"e".repeat(60)}.com`,
      ],
      ["a letter beyond ASCII", "ä@example.com"],
      ["a look-alike of ASCII", "\u212A@example.com"],
      ["no characters", ""],
    ])("rejects an address with %s: INVALID_EMAIL", async (_, email) => {
      expectError(await register({ email, password }), 400, "INVALID_EMAIL", "email");
    });

    test.each([
      ["7 characters", "1234567"],
      ["4 emoji, which are 8 UTF-16 units", "🎉🎉🎉🎉"],
      ["no characters", ""],
    ])("rejects a password of %s: PASSWORD_TOO_SHORT", async (_, short) => {
      expectError(
        await register({ email: newEmail(), password: short }),
        400,
        "PASSWORD_TOO_SHORT",
        "password",
      );
    });

    test("accepts passwords of 8 and 1,024 code points untrimmed and checks the last character; rejects 1,025", async () => {
      for (const good of ["🎉".repeat(8), "🎉".repeat(1024), "        "]) {
        const email = newEmail();
        expect((await register({ email, password: good })).error).toBeUndefined();
        expect((await call("auth.login", { email, password: good })).error).toBeUndefined();
        expectError(
          await call("auth.login", { email, password: `${good.slice(0, -2)}x` }),
          401,
          "INVALID_CREDENTIALS",
        );
      }
      const long = await register({ email: newEmail(), password: "x".repeat(1025) });
      expectError(long, 422, "VALIDATION_ERROR", "password");
    });

    test.each([
      ["no e-mail", { password }, "email"],
      ["a null e-mail", { email: null, password }, "email"],
      ["a number as e-mail", { email: 5, password }, "email"],
      ["a list as e-mail", { email: ["a@example.com"], password }, "email"],
      ["U+0000 in the e-mail", { email: "a\0@example.com", password }, "email"],
      [
        "a lone surrogate in the password",
        { email: "a@example.com", password: "12345678\uD800" },
        "password",
      ],
      ["no password", { email: "a@example.com" }, "password"],
      ["a number as name", { email: "a@example.com", password, name: 5 }, "name"],
      [
        "a name of 256 characters",
        { email: "a@example.com", password, name: "x".repeat(256) },
        "name",
      ],
      ["U+0000 in the name", { email: "a@example.com", password, name: "a\0" }, "name"],
    ])("rejects %s: VALIDATION_ERROR with the field in the sentence", async (_, input, field) => {
      const response = await register(input);
      expectError(response, 422, "VALIDATION_ERROR", field);
      expect(response.error?.detail).toMatch(new RegExp(`^${field} `));
    });

    test.each([
      ["a list", []],
      ["null", null],
      ["a text", "text"],
      ["a number", 5],
    ])("rejects %s as body: VALIDATION_ERROR", async (_, body) => {
      expectError(await register(body), 422, "VALIDATION_ERROR");
    });

    test("reports the first invalid field in the schema's order, not in the input's order", async () => {
      expectError(
        await register({ password: "short", email: "no-at-sign" }),
        400,
        "INVALID_EMAIL",
        "email",
      );
      expectError(
        await register({ name: 5, password: "short", email: "a@example.com" }),
        400,
        "PASSWORD_TOO_SHORT",
      );
    });
  });

  describe("login", () => {
    test("with COOKIE_SECURE=false, the cookie is sent over plain HTTP too", async () => {
      const insecure = await startServer({ env: { COOKIE_SECURE: "false" } });
      onTestFinished(insecure.close);
      const credentials = { email: newEmail(), password };
      await transport.call(insecure.url, "auth.register", credentials);
      const response = await transport.call(insecure.url, "auth.login", credentials);
      expect(newRefreshCookieOf(response).attributes).not.toHaveProperty("Secure");
    });

    test("returns the 15-minute access token in the body, the 7-day refresh token only in the cookie", async () => {
      const email = newEmail();
      const { data: user } = await call("auth.register", { email, password });
      const response = await call("auth.login", { email: ` ${email.toUpperCase()}`, password });
      expect(response.status).toBe(200);
      // A cast: the schema would strip undeclared fields before the assertion on the rest.
      const { access_token, ...rest } = response.data as { access_token: string };
      expect(rest).toEqual({ token_type: "bearer" });
      const cookie = newRefreshCookieOf(response);
      expect(cookie.attributes).toEqual({
        "Max-Age": "604800",
        Path: transport.cookiePath,
        HttpOnly: true,
        Secure: true,
        SameSite: "Strict",
      });
      const iat = Math.floor(server.clock.now().getTime() / 1000);
      const { id: sub } = userSchema.parse(user);
      expect(decodeProtectedHeader(access_token)).toMatchObject({ alg: "HS256" });
      expect(decodeJwt(access_token)).toMatchObject({
        sub,
        email,
        type: "access",
        iat,
        exp: iat + 900,
      });
      expect(decodeJwt(cookie.value)).toMatchObject({
        sub,
        email,
        type: "refresh",
        iat,
        exp: iat + 604_800,
      });
      expect(response.text).not.toContain(cookie.value);
      expect(response.headers.get("cache-control")).toBe("no-store");
    });

    test("unknown address and wrong password: INVALID_CREDENTIALS, same body, same header names", async () => {
      const { email } = await signedInUser(server, { overHttp: true });
      const wrong = await call("auth.login", { email, password: "wrong password" });
      const unknown = await call("auth.login", { email: newEmail(), password });
      expectError(wrong, 401, "INVALID_CREDENTIALS");
      expect(unknown.text).toBe(wrong.text);
      expect([...unknown.headers.keys()]).toEqual([...wrong.headers.keys()]);
      expect(wrong.headers.get("www-authenticate")).toBeNull();
      expect(wrong.headers.getSetCookie()).toEqual([]);
    });

    test.each([
      "no-at-sign",
      "",
      "a b@x",
      "\u212A@example.com",
      `${"x".repeat(20_000)}@example.com`,
      "\u{1F389}".repeat(5000),
    ])(
      "an address of invalid format gets INVALID_CREDENTIALS, not INVALID_EMAIL: %j",
      async (email) => {
        expectError(await call("auth.login", { email, password }), 401, "INVALID_CREDENTIALS");
      },
    );

    test("a successful sign-in replaces a hash with outdated parameters once; a failed one keeps it", async () => {
      const { email, id } = await signedInUser(server, { overHttp: true });
      const hashOf = async () => {
        const rows = await server.deps.orm.em
          .fork()
          .execute("select password_hash from users where id = ?", [id]);
        return String(rows[0]?.["password_hash"]);
      };
      const weak = await argon2.hash(password, { memoryCost: 1024, timeCost: 2, parallelism: 1 });
      await server.deps.orm.em
        .fork()
        .execute("update users set password_hash = ? where id = ?", [weak, id]);
      expectError(
        await call("auth.login", { email, password: "wrong password" }),
        401,
        "INVALID_CREDENTIALS",
      );
      expect(await hashOf()).toBe(weak);
      expect((await call("auth.login", { email, password })).status).toBe(200);
      const strong = await hashOf();
      expect(server.deps.passwords.needsRehash(password, strong)).toBe(false);
      expect((await call("auth.login", { email, password })).status).toBe(200);
      expect(await hashOf()).toBe(strong);
    });

    test("missing, unstorable or too long field: VALIDATION_ERROR with the field's name in this transport", async () => {
      const name = transport.fieldName("auth.login", "email");
      const missing = await call("auth.login", { password });
      expectError(missing, 422, "VALIDATION_ERROR", name);
      expect(missing.error?.detail).toBe(`${name} is required`);
      expectError(
        await call("auth.login", { email: "a\0", password }),
        422,
        "VALIDATION_ERROR",
        name,
      );
      expectError(await call("auth.login", { email: "a" }), 422, "VALIDATION_ERROR", "password");
      const long = await call("auth.login", { email: "a", password: "x".repeat(1025) });
      expectError(long, 422, "VALIDATION_ERROR", "password");
    });
  });

  describe("me", () => {
    const me = (headers: Record<string, string>) => call("auth.me", undefined, { headers });

    test("returns the profile that register returned, also for a lower-case bearer scheme", async () => {
      const email = newEmail();
      const { data } = await call("auth.register", { email, password, name: null });
      const { data: token } = await call("auth.login", { email, password });
      const { access_token } = tokenSchema.parse(token);
      const response = await me({ authorization: `bearer ${access_token}` });
      expect(response.data).toEqual(data);
      expect(response.headers.get("cache-control")).toBe("no-store");
    });

    test("accepts several spaces before the token", async () => {
      const { token } = await signedInUser(server, { transport, overHttp: true });
      for (const spaces of [2, 3000])
        expect((await me({ authorization: `BEARER${" ".repeat(spaces)}${token}` })).status).toBe(
          200,
        );
    });

    test.each([
      ["no header", "MISSING_TOKEN", {}],
      ["another scheme", "MISSING_TOKEN", { authorization: "Basic YTpi" }],
      ["a scheme without a token", "MISSING_TOKEN", { authorization: "Bearer" }],
      ["a space instead of a token", "MISSING_TOKEN", { authorization: "Bearer \u00A0" }],
      [
        "more than 4,096 characters",
        "INVALID_TOKEN",
        { authorization: `Bearer${" ".repeat(15_500)}\u00A0` },
      ],
      [
        "another scheme of that length",
        "MISSING_TOKEN",
        { authorization: `Basic ${"a".repeat(5000)}` },
      ],
      ["a malformed token", "INVALID_TOKEN", { authorization: "Bearer not.a.token" }],
      ["two tokens", "INVALID_TOKEN", { authorization: "Bearer a.b.c, Bearer a.b.c" }],
    ] as const)("rejects %s: %s with www-authenticate: Bearer", async (_, code, headers) => {
      const response = await me(headers);
      expectError(response, 401, code);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
    });

    test("accepts an access token 4 s after its expiry, rejects it 6 s after: TOKEN_EXPIRED", async () => {
      const { token } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(904);
      expect((await call("auth.me", undefined, { token })).status).toBe(200);
      server.clock.advance(2);
      expectError(await call("auth.me", undefined, { token }), 401, "TOKEN_EXPIRED");
    });

    test("rejects the access token and the refresh token of a deleted user: INVALID_TOKEN", async () => {
      const { token, id, cookie } = await signedInUser(server, { transport, overHttp: true });
      await server.deps.orm.em.fork().execute("delete from users where id = ?", [id]);
      const response = await call("auth.me", undefined, { token });
      expectError(response, 401, "INVALID_TOKEN");
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expectError(await call("auth.refresh", undefined, { cookie }), 401, "INVALID_TOKEN");
    });
  });

  describe("refresh", () => {
    const refresh = (cookie?: string) => call("auth.refresh", undefined, { cookie });

    test("returns a new access token that works, for a valid cookie", async () => {
      const { cookie, id } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(100);
      const { data } = await refresh(cookie);
      const { access_token } = tokenSchema.parse(data);
      expect(decodeJwt(access_token)).toMatchObject({
        sub: id,
        type: "access",
        iat: Math.floor(server.clock.now().getTime() / 1000),
      });
      expect((await call("auth.me", undefined, { token: access_token })).data).toMatchObject({
        id,
      });
    });

    test("rejects an access token as cookie and a refresh token as bearer: INVALID_TOKEN_TYPE", async () => {
      const { cookie, token } = await signedInUser(server, { transport, overHttp: true });
      expectError(await refresh(token), 401, "INVALID_TOKEN_TYPE");
      expectError(await call("auth.me", undefined, { token: cookie }), 401, "INVALID_TOKEN_TYPE");
    });

    test("rejects a missing, empty, malformed or expired cookie, each with its code", async () => {
      const { cookie, token } = await signedInUser(server, { transport, overHttp: true });
      expectError(await refresh(), 401, "MISSING_REFRESH_TOKEN");
      expectError(await refresh(""), 401, "MISSING_REFRESH_TOKEN");
      expectError(await refresh("not.a.token"), 401, "INVALID_TOKEN");
      expectError(await call("auth.refresh", undefined, { token }), 401, "MISSING_REFRESH_TOKEN");
      server.clock.advance(604_800 + 6);
      expectError(await refresh(cookie), 401, "REFRESH_TOKEN_EXPIRED");
    });

    test("with JWT_ISSUER and JWT_AUDIENCE, rejects the tokens of a server without them, and keeps its own sessions", async () => {
      const { orm } = server.deps;
      const bound = await startServer({
        env: { JWT_ISSUER: "https://auth.example.com", JWT_AUDIENCE: "tasks" },
        orm: { ...orm, close: async () => {} },
        clock: server.clock,
      });
      onTestFinished(bound.close);
      const [own, other] = [
        await signedInUser(bound, { transport, overHttp: true }),
        await signedInUser(server, { transport, overHttp: true }),
      ];
      const boundCall = (procedure: string, options: { token?: string; cookie?: string }) =>
        transport.call(bound.url, procedure, undefined, options);
      const rejected = await boundCall("auth.me", { token: other.token });
      expectError(rejected, 401, "INVALID_TOKEN");
      expect(rejected.headers.get("www-authenticate")).toBe("Bearer");
      expectError(await boundCall("auth.refresh", { cookie: other.cookie }), 401, "INVALID_TOKEN");

      const refreshed = await boundCall("auth.refresh", { cookie: own.cookie });
      const { access_token } = tokenSchema.parse(refreshed.data);
      for (const token of [own.token, access_token]) {
        expect((await boundCall("auth.me", { token })).data).toMatchObject({ id: own.id });
        expect(decodeJwt(token)).toMatchObject({ iss: "https://auth.example.com", aud: "tasks" });
      }
    });

    test("succeeds with a valid cookie next to an invalid access token", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      expect(
        (await call("auth.refresh", undefined, { cookie, token: "stale.access.token" })).status,
      ).toBe(200);
    });
  });

  describe("logout", () => {
    test("succeeds and clears the cookie for a valid, missing or malformed cookie", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      for (const sent of [cookie, undefined, "broken"]) {
        const response = await call("auth.logout", undefined, { cookie: sent });
        expect(response.data).toEqual({ message: "Successfully logged out" });
        expect(newRefreshCookieOf(response)).toEqual({
          value: "",
          attributes: {
            "Max-Age": "0",
            Path: transport.cookiePath,
            HttpOnly: true,
            Secure: true,
            SameSite: "Strict",
          },
        });
      }
      expectError(await call("auth.refresh"), 401, "MISSING_REFRESH_TOKEN");
    });
  });

  describe("Origin header", () => {
    const procedures = ["auth.register", "auth.login", "auth.refresh", "auth.logout"];

    test.each(procedures)(
      "a foreign origin calls %s: FORBIDDEN_ORIGIN, no cookie set",
      async (procedure) => {
        for (const origin of [
          "https://evil.example",
          "null",
          "http://localhost:3000.evil.example",
        ]) {
          const response = await call(
            procedure,
            { email: newEmail(), password },
            { headers: { origin } },
          );
          expectError(response, 403, "FORBIDDEN_ORIGIN");
          expect(response.headers.getSetCookie()).toEqual([]);
        }
      },
    );

    test("a page of the server itself, as Sec-Fetch-Site says, can register under a host name that the server does not know", async () => {
      const register = (site: string) =>
        call(
          "auth.register",
          { email: newEmail(), password },
          { headers: { origin: "https://tasks.example.com", "sec-fetch-site": site } },
        );
      expect((await register("same-origin")).error).toBeUndefined();
      for (const site of ["same-site", "cross-site", "none", "SAME-ORIGIN", ""])
        expectError(await register(site), 403, "FORBIDDEN_ORIGIN");
    });

    test("an allowed origin and the server's own origin can register", async () => {
      for (const origin of ["http://localhost:3000", server.url]) {
        const response = await call(
          "auth.register",
          { email: newEmail(), password },
          { headers: { origin } },
        );
        expect(response.error).toBeUndefined();
      }
    });
  });
});
