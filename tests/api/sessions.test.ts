import {
  sessionList,
  tag as tagSchema,
  task as taskSchema,
  token as tokenSchema,
} from "@taskwire/shared";
import bcrypt from "bcrypt";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, newRefreshCookieOf, transports } from "../support/client/transports.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { required } from "../support/setup/required.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env: { TRUST_PROXY: "127.0.0.1" } });
});
afterAll(() => server.close());

const day = 24 * 3600;

const accessTokenOf = ({ data }: CallResponse): string => tokenSchema.parse(data).access_token;

describe.each(transports)("over $name", (transport) => {
  const call = (
    procedure: string,
    input?: unknown,
    options?: Parameters<typeof transport.call>[3],
  ) => transport.call(server.url, procedure, input, options);
  const refresh = (cookie: string) => call("auth.refresh", undefined, { cookie });
  const me = (token: string) => call("auth.me", undefined, { token });
  const signIn = async ({ email, password }: SignedInUser, headers = {}) => {
    const response = await call("auth.login", { email, password }, { headers });
    return { token: accessTokenOf(response), cookie: newRefreshCookieOf(response).value };
  };
  /** Refreshes and returns the new refresh token; throws when the response sets none. */
  const rotate = async (cookie: string): Promise<string> =>
    newRefreshCookieOf(await refresh(cookie)).value;
  const generationOf = (cookie: string) => decodeJwt(cookie)["gen"];

  describe("refresh", () => {
    test("sets the next generation of the same session's token in a cookie, valid for 7 days again", async () => {
      const { cookie, id, email } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(60);
      const response = await refresh(cookie);
      const successor = newRefreshCookieOf(response);
      expect(successor.attributes).toEqual({
        "Max-Age": "604800",
        Path: transport.cookiePath,
        HttpOnly: true,
        Secure: true,
        SameSite: "Strict",
      });
      const { sid } = decodeJwt(cookie);
      const iat = Math.floor(server.clock.now().getTime() / 1000);
      expect(decodeJwt(successor.value)).toEqual({
        sub: id,
        email,
        type: "refresh",
        sid,
        gen: 1,
        iat,
        exp: iat + 604_800,
      });
      expect(decodeJwt(accessTokenOf(response))["sid"]).toBe(sid);
    });

    test("100 concurrent refreshes with one token all get the same successor, generation 1", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const responses = await Promise.all(Array.from({ length: 100 }, () => refresh(cookie)));
      expect(countOutcomes(responses)).toEqual({ 200: 100 });
      const successors = new Set(responses.map((response) => newRefreshCookieOf(response).value));
      expect([...successors].map(generationOf)).toEqual([1]);
    });

    test("a second refresh with the parent token gets the same successor, even 3 days later", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const successor = await rotate(cookie);
      server.clock.advance(3 * day);
      expect(await rotate(cookie)).toBe(successor);
      expect(generationOf(await rotate(successor))).toBe(2);
    });

    test("a token two generations old gets the current token again up to 10 s after the rotation", async () => {
      const { cookie: first } = await signedInUser(server, { transport, overHttp: true });
      const third = await rotate(await rotate(first));
      server.clock.advance(10);
      expect(await rotate(first)).toBe(third);
      expect(generationOf(await rotate(third))).toBe(3);
    });

    test("the grace period belongs to the token's own rotation: a later rotation does not extend it", async () => {
      const { cookie: first } = await signedInUser(server, { transport, overHttp: true });
      const third = await rotate(await rotate(first));
      server.clock.advance(11);
      const fourth = await rotate(third);
      expectError(await refresh(first), 401, "INVALID_TOKEN");
      expectError(await refresh(fourth), 401, "INVALID_TOKEN");
    });

    test("a thief and the owner who take turns: the parent used late in two successive generations revokes the session", async () => {
      const { cookie: stolen, id } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(60);
      const second = await rotate(stolen);
      server.clock.advance(60);
      expect(await rotate(stolen)).toBe(second);
      server.clock.advance(60);
      const third = await rotate(second);
      server.clock.advance(60);
      expectError(await refresh(second), 401, "INVALID_TOKEN");
      expectError(await refresh(third), 401, "INVALID_TOKEN");
      expect(server.log).toContainEqual(
        expect.objectContaining({ level: "warn", user_id: id, event: "refreshTokenReused" }),
      );
    });

    test("lost responses in two generations that do not follow each other: the session stays", async () => {
      let { cookie } = await signedInUser(server, { transport, overHttp: true });
      for (let lost = 0; lost < 3; lost++) {
        const successor = await rotate(cookie);
        server.clock.advance(60);
        expect(await rotate(cookie)).toBe(successor);
        cookie = await rotate(successor);
        server.clock.advance(60);
      }
    });

    test("a token two generations old, 11 s later: INVALID_TOKEN, that session alone revoked, a warning", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const otherSession = await signIn(person);
      const [first, second] = [person.cookie, await rotate(person.cookie)];
      const refreshed = await refresh(second);
      const third = newRefreshCookieOf(refreshed).value;
      server.clock.advance(11);
      const replayed = await refresh(first);
      expectError(replayed, 401, "INVALID_TOKEN");
      // A clearing cookie would delete the one that another request has just set.
      expect(replayed.headers.getSetCookie()).toEqual([]);
      for (const cookie of [first, second, third])
        expectError(await refresh(cookie), 401, "INVALID_TOKEN");
      for (const token of [person.token, accessTokenOf(refreshed)])
        expectError(await me(token), 401, "INVALID_TOKEN");
      expect((await refresh(otherSession.cookie)).status).toBe(200);
      expect((await me(otherSession.token)).status).toBe(200);
      const id = replayed.headers.get("x-request-id");
      const line = server.log.find(
        ({ request_id, level }) => request_id === id && level === "warn",
      );
      expect(line).toMatchObject({ user_id: person.id, session_id: decodeJwt(first)["sid"] });
      expect(JSON.stringify(server.log)).not.toContain(first);
    });

    test("ten rotations in one second: a token two generations old still revokes the session 11 s later", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const tokens = [cookie];
      for (let i = 0; i < 10; i++) tokens.push(await rotate(required(tokens.at(-1), "a token")));
      server.clock.advance(11);
      expectError(await refresh(required(tokens[8], "the ninth token")), 401, "INVALID_TOKEN");
      for (const each of tokens) expectError(await refresh(each), 401, "INVALID_TOKEN");
    });

    test("rejects an expired parent token with REFRESH_TOKEN_EXPIRED while its successor still works", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(7 * day - 3);
      const successor = await rotate(cookie);
      server.clock.advance(9);
      expectError(await refresh(cookie), 401, "REFRESH_TOKEN_EXPIRED");
      expect((await refresh(successor)).status).toBe(200);
    });

    test("caps the session at 30 days: a token rotated on day 25 expires after 5 days", async () => {
      let { cookie } = await signedInUser(server, { transport, overHttp: true });
      for (let i = 0; i < 5; i++) {
        server.clock.advance(5 * day);
        cookie = await rotate(cookie);
      }
      const { iat = 0, exp } = decodeJwt(cookie);
      expect(exp).toBe(iat + 5 * day);
      server.clock.advance(5 * day + 6);
      expectError(await refresh(cookie), 401, "REFRESH_TOKEN_EXPIRED");
    });
  });

  describe("login with the refresh cookie of a session", () => {
    const signInAgain = ({ email, cookie }: SignedInUser, password: string) =>
      call("auth.login", { email, password }, { cookie });

    test("revokes that session, and no other session of the user", async () => {
      const ada = await signedInUser(server, { transport, overHttp: true });
      const otherDevice = await signIn(ada);
      const response = await signInAgain(ada, ada.password);
      expectError(await refresh(ada.cookie), 401, "INVALID_TOKEN");
      expectError(await me(ada.token), 401, "INVALID_TOKEN");
      expect((await me(accessTokenOf(response))).status).toBe(200);
      expect((await refresh(otherDevice.cookie)).status).toBe(200);
    });

    test("revokes the session of another user too, whose browser it was", async () => {
      const ada = await signedInUser(server, { transport, overHttp: true });
      const grace = await signedInUser(server, { transport, overHttp: true });
      const { email, password } = grace;
      await signInAgain({ ...ada, email }, password);
      expectError(await refresh(ada.cookie), 401, "INVALID_TOKEN");
      expect((await refresh(grace.cookie)).status).toBe(200);
    });

    test("revokes nothing if the password is wrong", async () => {
      const ada = await signedInUser(server, { transport, overHttp: true });
      expectError(await signInAgain(ada, "wrong password"), 401, "INVALID_CREDENTIALS");
      expect((await refresh(ada.cookie)).status).toBe(200);
    });
  });

  test("an access token expires with its session if that comes first", async () => {
    let { cookie } = await signedInUser(server, { transport, overHttp: true });
    const end = Math.floor(server.clock.now().getTime() / 1000) + 30 * day;
    for (let i = 0; i < 5; i++) {
      server.clock.advance(6 * day - 60);
      cookie = await rotate(cookie);
    }
    server.clock.advance(120);
    expect(decodeJwt(accessTokenOf(await refresh(cookie)))["exp"]).toBe(end);
  });

  describe("several refresh_token cookies", () => {
    const send = (procedure: string, ...cookies: string[]) => {
      const cookie = cookies.map((value) => `refresh_token=${value}`).join("; ");
      return call(procedure, undefined, { headers: { cookie } });
    };

    test("one valid token among them, quoted or repeated too, is used; none: INVALID_TOKEN", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const other = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
      for (const cookies of [
        [other, cookie],
        [cookie, other],
        ["", cookie],
        [cookie, cookie],
        [`"${cookie}"`],
      ])
        expect((await send("auth.refresh", ...cookies)).status).toBe(200);
      expectError(await send("auth.refresh", other, "x"), 401, "INVALID_TOKEN");
    });

    test("only the first four that differ and are not empty are used", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const another = await signedInUser(server, { transport, overHttp: true });
      expect((await send("auth.refresh", "a", "", "b", "a", "", "c", cookie)).status).toBe(200);
      expect((await send("auth.refresh", cookie, "a", "b", "c", another.cookie)).status).toBe(200);
      expectError(await send("auth.refresh", "a", "b", "c", "d", cookie), 401, "INVALID_TOKEN");
    });

    test("valid tokens of two sessions: refresh gets INVALID_TOKEN; neither refresh nor logout revokes a session", async () => {
      const [ada, mallory] = [
        await signedInUser(server, { transport, overHttp: true }),
        await signedInUser(server, { transport, overHttp: true }),
      ];
      const rejected = await send("auth.refresh", ada.cookie, mallory.cookie);
      expectError(rejected, 401, "INVALID_TOKEN");
      expect(rejected.headers.getSetCookie()).toEqual([]);
      await send("auth.logout", mallory.cookie, ada.cookie);
      for (const { cookie, token } of [ada, mallory]) {
        expect((await me(token)).status).toBe(200);
        expect(generationOf(await rotate(cookie))).toBe(1);
      }
    });
  });

  describe("logout", () => {
    test("with the access token of another user revokes that user's session, and leaves the cookie's", async () => {
      const ada = await signedInUser(server, { transport });
      const grace = await signedInUser(server, { transport });
      const response = await call("auth.logout", undefined, {
        cookie: ada.cookie,
        token: grace.token,
      });
      expect(response.status).toBe(200);
      expect(response.headers.getSetCookie()).toEqual([]);
      expect((await refresh(ada.cookie)).status).toBe(200);
      expectError(await me(grace.token), 401, "INVALID_TOKEN");
      expectError(await refresh(grace.cookie), 401, "INVALID_TOKEN");
    });

    test("revokes the session with all its tokens, and no other session", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const otherSession = await signIn(person);
      const refreshed = await refresh(person.cookie);
      await call("auth.logout", undefined, { cookie: newRefreshCookieOf(refreshed).value });
      for (const token of [person.token, accessTokenOf(refreshed)]) {
        const response = await me(token);
        expectError(response, 401, "INVALID_TOKEN");
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
      }
      expectError(await refresh(person.cookie), 401, "INVALID_TOKEN");
      expect((await me(otherSession.token)).status).toBe(200);
    });

    test("revokes the session for an old token of it too, and succeeds a second time", async () => {
      const { cookie, token } = await signedInUser(server, { transport, overHttp: true });
      const third = await rotate(await rotate(cookie));
      server.clock.advance(60);
      for (let i = 0; i < 2; i++)
        expect((await call("auth.logout", undefined, { cookie })).status).toBe(200);
      expectError(await refresh(third), 401, "INVALID_TOKEN");
      expectError(await me(token), 401, "INVALID_TOKEN");
    });

    test("concurrent with refreshes: no refresh token of the session works afterwards", async () => {
      for (let round = 0; round < 20; round++) {
        const { cookie } = await signedInUser(server, { transport, overHttp: true });
        const [refreshed] = await Promise.all([
          refresh(cookie),
          call("auth.logout", undefined, { cookie }),
          refresh(cookie),
        ]);
        // Either may be first: a refresh before the logout succeeds, and one after it is rejected.
        const isRefreshed = refreshed.error === undefined;
        if (!isRefreshed) expectError(refreshed, 401, "INVALID_TOKEN");
        const successors = isRefreshed ? [newRefreshCookieOf(refreshed).value] : [];
        for (const token of [cookie, ...successors])
          expectError(await refresh(token), 401, "INVALID_TOKEN");
      }
    });
  });

  describe("listSessions", () => {
    const list = async (token: string) =>
      sessionList.parse((await call("auth.listSessions", undefined, { token })).data);

    test("returns each session's device (at most 200 characters), address and times, last used first", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const signedInAt = server.clock.now().toISOString();
      server.clock.advance(60);
      const phone = await signIn(person, { "user-agent": "Phone/1.0\t\u00e9" });
      const now = server.clock.now();
      expect(await list(phone.token)).toEqual([
        {
          id: decodeJwt(phone.token)["sid"],
          device: "Phone/1.0",
          address: "127.0.0.1",
          created_at: now.toISOString(),
          last_used_at: now.toISOString(),
          expires_at: new Date(now.getTime() + 604_800_000).toISOString(),
          current: true,
        },
        expect.objectContaining({ device: null, created_at: signedInAt, current: false }),
      ]);
      server.clock.advance(60);
      await call("auth.refresh", undefined, {
        cookie: person.cookie,
        headers: { "user-agent": `Laptop ${"x".repeat(500)}` },
      });
      const [first, second] = await list(person.token);
      expect(first).toMatchObject({
        current: true,
        created_at: signedInAt,
        last_used_at: server.clock.now().toISOString(),
      });
      expect(first?.device).toHaveLength(200);
      expect(second).toMatchObject({ device: "Phone/1.0", current: false });
    });

    test.each([
      ["2001:db8::1", "2001:db8::1"],
      ["192.0.2.7", "192.0.2.7"],
      ["x".repeat(4096), "unknown"],
    ])("lists the forwarded address %.20s… as %s", async (forwardedFor, address) => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const { token } = await signIn(person, { "x-forwarded-for": forwardedFor });
      expect(await list(token)).toContainEqual(expect.objectContaining({ current: true, address }));
    });

    test("omits revoked sessions, expired sessions and those of other users", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      await signedInUser(server, { transport, overHttp: true });
      const revoked = await signIn(person);
      await call("auth.logout", undefined, { cookie: revoked.cookie });
      server.clock.advance(7 * day);
      const current = await signIn(person);
      expect((await list(current.token)).map(({ id }) => id)).toEqual([
        decodeJwt(current.token)["sid"],
      ]);
    });
  });

  describe("revokeSession and revokeOtherSessions", () => {
    test("revokeSession revokes an own session; own, revoked and foreign ids get the same response", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const [phone, stranger] = [
        await signIn(person),
        await signedInUser(server, { transport, overHttp: true }),
      ];
      const revoke = (token: string) =>
        call("auth.revokeSession", { session_id: decodeJwt(token)["sid"] }, person);
      const [own, again, foreign] = [
        await revoke(phone.token),
        await revoke(phone.token),
        await revoke(stranger.token),
      ];
      for (const { text, status } of [own, again])
        expect({ text, status }).toEqual({ text: foreign.text, status: foreign.status });
      expectError(await me(phone.token), 401, "INVALID_TOKEN");
      expectError(await refresh(phone.cookie), 401, "INVALID_TOKEN");
      expect((await me(person.token)).status).toBe(200);
      expect((await me(stranger.token)).status).toBe(200);
      expectError(
        await call("auth.revokeSession", { session_id: "1" }, person),
        422,
        "VALIDATION_ERROR",
        "session_id",
      );
    });

    test("revokeOtherSessions revokes all but the current one, and none of another user", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const others = [await signIn(person), await signIn(person)];
      const stranger = await signedInUser(server, { transport, overHttp: true });
      await call("auth.revokeOtherSessions", undefined, { token: person.token });
      for (const { token, cookie } of others) {
        expectError(await me(token), 401, "INVALID_TOKEN");
        expectError(await refresh(cookie), 401, "INVALID_TOKEN");
      }
      for (const { cookie, token } of [person, stranger]) {
        expect((await me(token)).status).toBe(200);
        expect((await refresh(cookie)).status).toBe(200);
      }
    });
  });

  describe("changePassword", () => {
    const change = (token: string, current_password: string, new_password: unknown) =>
      call("auth.changePassword", { current_password, new_password }, { token });
    const newPassword = "another battery";

    test("revokes the other sessions; only the new password signs in", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const { email, password } = person;
      const other = await signIn(person);
      const response = await change(person.token, password, newPassword);
      expect(response.error).toBeUndefined();
      expectError(await me(other.token), 401, "INVALID_TOKEN");
      expectError(await refresh(other.cookie), 401, "INVALID_TOKEN");
      expect((await refresh(person.cookie)).status).toBe(200);
      expectError(await call("auth.login", { email, password }), 401, "INVALID_CREDENTIALS");
      const again = await call("auth.login", { email, password: newPassword });
      expect(again.status).toBe(200);
    });

    test("requires the current password and register's rules for the new one; they may be equal", async () => {
      const { token, password } = await signedInUser(server, { transport, overHttp: true });
      const wrong = await change(token, "wrong horse", newPassword);
      expectError(wrong, 401, "INVALID_CREDENTIALS", "current_password");
      // The password is wrong, not the access token: no Bearer challenge.
      expect(wrong.headers.get("www-authenticate")).toBeNull();
      const short = await change(token, password, "1234567");
      expectError(short, 400, "PASSWORD_TOO_SHORT", "new_password");
      const missing = await change(token, password, undefined);
      expectError(missing, 422, "VALIDATION_ERROR", "new_password");
      expect((await change(token, password, password)).error).toBeUndefined();
    });
  });

  describe("an imported bcrypt hash, which ignores what a password has beyond 72 bytes", () => {
    const beginning = "é".repeat(36);
    const longPassword = `${beginning} and the rest`;
    const wrongTail = `${beginning} and a wrong rest`;

    /** Creates a user whose bcrypt hash was made from the long password, and signs in with the given one. */
    const imported = async (used: string) => {
      const person = await signedInUser(server, { transport });
      const hash = await bcrypt.hash(longPassword, 4);
      const em = server.deps.orm.em.fork();
      await em.execute("update users set password_hash = ? where id = ?", [hash, person.id]);
      const statusOf = async (password: string) =>
        (await call("auth.login", { email: person.email, password })).status;
      expect(await statusOf(used)).toBe(200);
      return { ...person, statusOf };
    };

    test.each([
      ["a wrong tail", wrongTail],
      ["the first 72 bytes alone", beginning],
      ["the whole password", longPassword],
    ])("a sign-in with %s keeps the hash: the whole password still works", async (_, used) => {
      const { id, statusOf } = await imported(used);
      expect(await statusOf(longPassword)).toBe(200);
      expect(await statusOf(`x${longPassword}`)).toBe(401);
      const [row] = await server.deps.orm.em
        .fork()
        .execute<{ password_hash: string }[]>("select password_hash from users where id = ?", [id]);
      expect(row?.password_hash).toMatch(/^\$2b\$/);
    });

    test("changePassword after such a sign-in replaces the hash by one that checks every byte", async () => {
      const { token, statusOf } = await imported(wrongTail);
      const input = { current_password: longPassword, new_password: longPassword };
      expect((await call("auth.changePassword", input, { token })).error).toBeUndefined();
      expect(await statusOf(longPassword)).toBe(200);
      for (const other of [wrongTail, beginning]) expect(await statusOf(other)).toBe(401);
    });

    test("a rejected changePassword leaves the whole password working", async () => {
      const { token, statusOf } = await imported(wrongTail);
      const input = { current_password: wrongTail, new_password: "short" };
      const rejected = await call("auth.changePassword", input, { token });
      expectError(rejected, 400, "PASSWORD_TOO_SHORT", "new_password");
      expect(await statusOf(longPassword)).toBe(200);
    });

    test("deleteAccount accepts the whole password after such a sign-in", async () => {
      const { token, statusOf } = await imported(wrongTail);
      const wrong = await call("auth.deleteAccount", { password: "x".repeat(80) }, { token });
      expectError(wrong, 401, "INVALID_CREDENTIALS", "password");
      const deleted = await call("auth.deleteAccount", { password: longPassword }, { token });
      expect(deleted.error).toBeUndefined();
      expect(await statusOf(longPassword)).toBe(401);
    });
  });

  describe("deleteAccount", () => {
    test("requires the password; deletes the user's sessions, tasks, tags and links, and no other user's", async () => {
      const [person, stranger] = [
        await signedInUser(server, { transport, overHttp: true }),
        await signedInUser(server, { transport, overHttp: true }),
      ];
      const { email, password, token, id } = person;
      for (const who of [person, stranger]) {
        const { data: task } = await call("task.create", { title: "A task" }, who);
        const { data: tag } = await call("tag.create", { name: "A tag" }, who);
        const ids = {
          task_id: taskSchema.parse(task).id,
          tag_id: tagSchema.parse(tag).id,
        };
        await call("task.addTag", ids, who);
      }
      const wrong = await call("auth.deleteAccount", { password: "wrong horse" }, { token });
      expectError(wrong, 401, "INVALID_CREDENTIALS", "password");
      const response = await call("auth.deleteAccount", { password }, { token });
      expect(response.error).toBeUndefined();
      expect(response.headers.getSetCookie()).toEqual([]);
      expectError(await me(token), 401, "INVALID_TOKEN");
      expectError(await refresh(person.cookie), 401, "INVALID_TOKEN");
      expectError(await call("auth.login", { email, password }), 401, "INVALID_CREDENTIALS");
      const count = async (owner: string) => {
        const em = server.deps.orm.em.fork();
        const counts = ["users where id", "sessions where user_id", "tasks where user_id"].concat(
          "tags where user_id",
          "task_tag_link join tags on tags.id = tag_id where user_id",
        );
        const rows = counts.map((from) => em.execute(`select from ${from} = ?`, [owner]));
        return (await Promise.all(rows)).map(({ length }) => length);
      };
      expect(await count(id)).toEqual([0, 0, 0, 0, 0]);
      expect(await count(stranger.id)).toEqual([1, 1, 1, 1, 1]);
      const again = await call("auth.register", { email, password });
      expect(again.error).toBeUndefined();
      // The address belongs to a new account, which the old token must not delete.
      expectError(await call("auth.deleteAccount", { password }, { token }), 401, "INVALID_TOKEN");
    });
  });
});
