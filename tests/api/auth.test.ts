import { randomUUID } from "node:crypto";
import argon2 from "argon2";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { transports, refreshCookieOf } from "../support/client/transports.ts";
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

    test("makes an account and answers its public fields only", async () => {
      const email = newEmail();
      const answer = await register({ email, password, name: "  Ada Lovelace " });
      expect(answer.status).toBe(transport.name === "REST" ? 201 : 200);
      expect(answer.data).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        email,
        name: "Ada Lovelace",
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect(answer.headers.get("cache-control")).toBe("no-store");
    });

    test("ignores what a caller may not set", async () => {
      const id = randomUUID();
      const answer = await register({
        email: newEmail(),
        password,
        id,
        password_hash: "x",
        is_admin: true,
        created_at: "2000-01-01T00:00:00Z",
      });
      expect(answer.data).toMatchObject({ name: null });
      expect(answer.data).not.toMatchObject({ id });
      expect(answer.text).not.toMatch(/password|is_admin|2000-01-01/);
    });

    test("takes two spellings of an address for one account", async () => {
      const email = newEmail();
      await register({ email, password });
      const answer = await register({ email: `  ${email.toUpperCase()} `, password });
      expectError(answer, 400, "EMAIL_ALREADY_EXISTS", "email");
    });

    test("lets one of many at once win", async () => {
      const email = newEmail();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          register({ email: i % 2 ? email : email.toUpperCase(), password }),
        ),
      );
      expect(answers.filter(({ error }) => error === undefined)).toHaveLength(1);
      expect(answers.filter(({ error }) => error?.code === "EMAIL_ALREADY_EXISTS")).toHaveLength(
        19,
      );
    });

    test.each([
      ["no @", "nobody"],
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
      ["nothing", ""],
    ])("refuses an address with %s", async (_, email) => {
      expectError(await register({ email, password }), 400, "INVALID_EMAIL", "email");
    });

    test.each([
      ["7 characters", "1234567"],
      ["4 emoji, which are 8 UTF-16 units", "🎉🎉🎉🎉"],
      ["nothing", ""],
    ])("refuses a password of %s", async (_, short) => {
      expectError(
        await register({ email: newEmail(), password: short }),
        400,
        "PASSWORD_TOO_SHORT",
        "password",
      );
    });

    test("takes 8 code points and 1,024, but not 1,025, and never trims", async () => {
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
      ["U+0000 in the name", { email: "a@example.com", password, name: "a\0" }, "name"],
    ])("refuses %s as not valid", async (_, input, field) => {
      const answer = await register(input);
      expectError(answer, 422, "VALIDATION_ERROR", field);
      expect(answer.error?.detail).toMatch(new RegExp(`^${field} `));
    });

    test.each([
      ["a list", []],
      ["null", null],
      ["a text", "text"],
      ["a number", 5],
    ])("refuses %s as body", async (_, body) => {
      expectError(await register(body), 422, "VALIDATION_ERROR");
    });

    test("reports the first wrong field in the schema's order", async () => {
      expectError(
        await register({ password: "short", email: "nobody" }),
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
    test("answers an access token, and puts the refresh token into the transport's own cookie", async () => {
      const email = newEmail();
      const { data: user } = await call("auth.register", { email, password });
      const answer = await call("auth.login", { email: ` ${email.toUpperCase()}`, password });
      expect(answer.status).toBe(200);
      const { access_token, ...rest } = answer.data as { access_token: string };
      expect(rest).toEqual({ token_type: "bearer" });
      const cookie = refreshCookieOf(answer);
      expect(cookie?.attributes).toEqual({
        "Max-Age": "604800",
        Path: transport.cookiePath,
        HttpOnly: true,
        Secure: true,
        SameSite: "Strict",
      });
      const iat = Math.floor(server.clock.now().getTime() / 1000);
      const { id: sub } = user as { id: string };
      expect(decodeProtectedHeader(access_token)).toMatchObject({ alg: "HS256" });
      expect(decodeJwt(access_token)).toMatchObject({
        sub,
        email,
        type: "access",
        iat,
        exp: iat + 900,
      });
      expect(decodeJwt(cookie?.value ?? "")).toMatchObject({
        sub,
        email,
        type: "refresh",
        iat,
        exp: iat + 604_800,
      });
      expect(answer.text).not.toContain(cookie?.value);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    });

    test("answers an unknown address and a wrong password with the same bytes", async () => {
      const { email } = await signedInUser(server, { overHttp: true });
      const wrong = await call("auth.login", { email, password: "wrong password" });
      const unknown = await call("auth.login", { email: newEmail(), password });
      expectError(wrong, 401, "INVALID_CREDENTIALS");
      expect(unknown.text).toBe(wrong.text);
      expect([...unknown.headers.keys()]).toEqual([...wrong.headers.keys()]);
      expect(wrong.headers.get("www-authenticate")).toBeNull();
      expect(wrong.headers.getSetCookie()).toEqual([]);
    });

    test.each(["nobody", "", "a b@x", "\u212A@example.com"])(
      "does not check the address's format: %j",
      async (email) => {
        expectError(await call("auth.login", { email, password }), 401, "INVALID_CREDENTIALS");
      },
    );

    test("replaces a hash that was made with other parameters", async () => {
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
      expect(server.deps.passwords.isOutdated(strong)).toBe(false);
      expect((await call("auth.login", { email, password })).status).toBe(200);
      expect(await hashOf()).toBe(strong);
    });

    test("names a missing or unstorable field as this transport's caller wrote it", async () => {
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

    test("answers the profile that register answered", async () => {
      const email = newEmail();
      const { data } = await call("auth.register", { email, password, name: null });
      const { data: token } = await call("auth.login", { email, password });
      const { access_token } = token as { access_token: string };
      const answer = await me({ authorization: `bearer ${access_token}` });
      expect(answer.data).toEqual(data);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    });

    test.each([
      ["no header", {}, "MISSING_TOKEN"],
      ["another scheme", { authorization: "Basic YTpi" }, "MISSING_TOKEN"],
      ["a scheme alone", { authorization: "Bearer" }, "MISSING_TOKEN"],
      ["no token", { authorization: "Bearer not.a.token" }, "INVALID_TOKEN"],
      ["two tokens", { authorization: "Bearer a.b.c, Bearer a.b.c" }, "INVALID_TOKEN"],
    ] as const)("refuses %s and names the scheme", async (_, headers, code) => {
      const answer = await me(headers);
      expectError(answer, 401, code);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    });

    test("refuses a token past its time, less five seconds between clocks", async () => {
      const { token } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(904);
      expect((await call("auth.me", undefined, { token })).status).toBe(200);
      server.clock.advance(2);
      expectError(await call("auth.me", undefined, { token }), 401, "TOKEN_EXPIRED");
    });

    test("refuses the token of a user who is no more", async () => {
      const { token, id, cookie } = await signedInUser(server, { transport, overHttp: true });
      await server.deps.orm.em.fork().execute("delete from users where id = ?", [id]);
      const answer = await call("auth.me", undefined, { token });
      expectError(answer, 401, "INVALID_TOKEN");
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expectError(await call("auth.refresh", undefined, { cookie }), 401, "INVALID_TOKEN");
    });
  });

  describe("refresh", () => {
    const refresh = (cookie?: string) => call("auth.refresh", undefined, { cookie });

    test("answers a new access token for the cookie", async () => {
      const { cookie, id } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(100);
      const { data } = await refresh(cookie);
      const { access_token } = data as { access_token: string };
      expect(decodeJwt(access_token)).toMatchObject({
        sub: id,
        type: "access",
        iat: Math.floor(server.clock.now().getTime() / 1000),
      });
      expect((await call("auth.me", undefined, { token: access_token })).data).toMatchObject({
        id,
      });
    });

    test("lets neither token stand in for the other", async () => {
      const { cookie, token } = await signedInUser(server, { transport, overHttp: true });
      expectError(await refresh(token), 401, "INVALID_TOKEN_TYPE");
      expectError(await call("auth.me", undefined, { token: cookie }), 401, "INVALID_TOKEN_TYPE");
    });

    test("refuses a missing, empty, broken or expired cookie", async () => {
      const { cookie, token } = await signedInUser(server, { transport, overHttp: true });
      expectError(await refresh(), 401, "MISSING_REFRESH_TOKEN");
      expectError(await refresh(""), 401, "MISSING_REFRESH_TOKEN");
      expectError(await refresh("not.a.token"), 401, "INVALID_TOKEN");
      expectError(await call("auth.refresh", undefined, { token }), 401, "MISSING_REFRESH_TOKEN");
      server.clock.advance(604_800 + 6);
      expectError(await refresh(cookie), 401, "REFRESH_TOKEN_EXPIRED");
    });

    test("works for a caller with a stale access token", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      expect(
        (await call("auth.refresh", undefined, { cookie, token: "stale.access.token" })).status,
      ).toBe(200);
    });
  });

  describe("logout", () => {
    test("clears the cookie with the attributes that it was set with, signed in or not", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      for (const given of [cookie, undefined, "broken"]) {
        const answer = await call("auth.logout", undefined, { cookie: given });
        expect(answer.data).toEqual({ message: "Successfully logged out" });
        expect(refreshCookieOf(answer)).toEqual({
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

  describe("a page of a foreign origin", () => {
    const procedures = ["auth.register", "auth.login", "auth.refresh", "auth.logout"];

    test.each(procedures)("may not call %s", async (procedure) => {
      for (const origin of ["https://evil.example", "null", "http://localhost:3000.evil.example"]) {
        const answer = await call(
          procedure,
          { email: newEmail(), password },
          { headers: { origin } },
        );
        expectError(answer, 403, "FORBIDDEN_ORIGIN");
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
    });

    test("is not a page of an allowed one, nor of the server itself", async () => {
      for (const origin of ["http://localhost:3000", server.url]) {
        const answer = await call(
          "auth.register",
          { email: newEmail(), password },
          { headers: { origin } },
        );
        expect(answer.error).toBeUndefined();
      }
    });
  });
});
