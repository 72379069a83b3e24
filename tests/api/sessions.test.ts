import { sessionList } from "@taskwire/shared";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, transports, refreshCookieOf } from "../support/client/transports.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env: { TRUST_PROXY: "127.0.0.1" } });
});
afterAll(() => server.close());

const day = 24 * 3600;

const accessTokenOf = ({ data }: CallResponse): string =>
  (data as { access_token: string }).access_token;

describe.each(transports)("over $name", (transport) => {
  const call = (
    procedure: string,
    input?: unknown,
    options?: Parameters<typeof transport.call>[3],
  ) => transport.call(server.url, procedure, input, options);
  const refresh = (cookie: string) => call("auth.refresh", undefined, { cookie });
  const me = (token: string) => call("auth.me", undefined, { token });
  const signIn = async ({ email, password }: SignedInUser, headers = {}) => {
    const answer = await call("auth.login", { email, password }, { headers });
    return { token: accessTokenOf(answer), cookie: refreshCookieOf(answer)?.value ?? "" };
  };
  /** The successor that a refresh gives; fails unless it is given. */
  const succeed = async (cookie: string): Promise<string> => {
    const answer = await refresh(cookie);
    const successor = refreshCookieOf(answer)?.value;
    if (successor === undefined) throw new Error(`No successor: ${answer.text}`);
    return successor;
  };
  const generationOf = (cookie: string) => decodeJwt(cookie)["gen"];

  describe("a refresh", () => {
    test("exchanges the refresh token for its successor in a cookie like the first", async () => {
      const { cookie, id, email } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(60);
      const answer = await refresh(cookie);
      const successor = refreshCookieOf(answer);
      expect(successor?.attributes).toEqual({
        "Max-Age": "604800",
        Path: transport.cookiePath,
        HttpOnly: true,
        Secure: true,
        SameSite: "Strict",
      });
      const { sid } = decodeJwt(cookie);
      const iat = Math.floor(server.clock.now().getTime() / 1000);
      expect(decodeJwt(successor?.value ?? "")).toEqual({
        sub: id,
        email,
        type: "refresh",
        sid,
        gen: 1,
        iat,
        exp: iat + 604_800,
      });
      expect(decodeJwt(accessTokenOf(answer))["sid"]).toBe(sid);
    });

    test("gives a hundred at once the same successor, one generation on", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(cookie)));
      expect(countOutcomes(answers)).toEqual({ 200: 100 });
      const successors = new Set(answers.map((answer) => refreshCookieOf(answer)?.value));
      expect([...successors].map((each) => generationOf(each ?? ""))).toEqual([1]);
    });

    test("gives a retry whose answer was lost the same successor, however late", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const successor = await succeed(cookie);
      server.clock.advance(3 * day);
      expect(await succeed(cookie)).toBe(successor);
      expect(generationOf(await succeed(successor))).toBe(2);
    });

    test("takes an older token within ten seconds for a late request of the same client", async () => {
      const { cookie: first } = await signedInUser(server, { transport, overHttp: true });
      const third = await succeed(await succeed(first));
      server.clock.advance(10);
      expect(await succeed(first)).toBe(third);
      expect(generationOf(await succeed(third))).toBe(3);
    });

    test("ends the session where an older token comes after that, and no other session", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const elsewhere = await signIn(person);
      const [first, second] = [person.cookie, await succeed(person.cookie)];
      const renewed = await refresh(second);
      const third = refreshCookieOf(renewed)?.value ?? "";
      server.clock.advance(11);
      const stolen = await refresh(first);
      expectError(stolen, 401, "INVALID_TOKEN");
      // A clearing cookie would wipe the one that another request has just been given.
      expect(stolen.headers.getSetCookie()).toEqual([]);
      for (const cookie of [first, second, third])
        expectError(await refresh(cookie), 401, "INVALID_TOKEN");
      for (const token of [person.token, accessTokenOf(renewed)])
        expectError(await me(token), 401, "INVALID_TOKEN");
      expect((await refresh(elsewhere.cookie)).status).toBe(200);
      expect((await me(elsewhere.token)).status).toBe(200);
      const id = stolen.headers.get("x-request-id");
      const line = server.log.find(
        ({ request_id, level }) => request_id === id && level === "warn",
      );
      expect(line).toMatchObject({ user: person.id, session: decodeJwt(first)["sid"] });
      expect(JSON.stringify(server.log)).not.toContain(first);
    });

    test("never works with a token that is older than the parent, after ten in a second", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      const tokens = [cookie];
      for (let i = 0; i < 10; i++) tokens.push(await succeed(tokens.at(-1) ?? ""));
      server.clock.advance(11);
      expectError(await refresh(tokens[8] ?? ""), 401, "INVALID_TOKEN");
      for (const each of tokens) expectError(await refresh(each), 401, "INVALID_TOKEN");
    });

    test("never revives what has expired, not even within the grace", async () => {
      const { cookie } = await signedInUser(server, { transport, overHttp: true });
      server.clock.advance(7 * day - 3);
      const successor = await succeed(cookie);
      server.clock.advance(9);
      expectError(await refresh(cookie), 401, "REFRESH_TOKEN_EXPIRED");
      expect((await refresh(successor)).status).toBe(200);
    });

    test("rolls the session on for thirty days and no longer", async () => {
      let { cookie } = await signedInUser(server, { transport, overHttp: true });
      for (let i = 0; i < 5; i++) {
        server.clock.advance(5 * day);
        cookie = await succeed(cookie);
      }
      const { iat = 0, exp } = decodeJwt(cookie);
      expect(exp).toBe(iat + 5 * day);
      server.clock.advance(5 * day + 6);
      expectError(await refresh(cookie), 401, "REFRESH_TOKEN_EXPIRED");
    });
  });

  describe("several cookies of the name", () => {
    const send = (procedure: string, ...cookies: string[]) => {
      const cookie = cookies.map((value) => `refresh_token=${value}`).join("; ");
      return call(procedure, undefined, { headers: { cookie } });
    };

    test("are no harm where one of them verifies", async () => {
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

    test("are refused where two verify, and nothing ends", async () => {
      const [ada, mallory] = [
        await signedInUser(server, { transport, overHttp: true }),
        await signedInUser(server, { transport, overHttp: true }),
      ];
      const refused = await send("auth.refresh", ada.cookie, mallory.cookie);
      expectError(refused, 401, "INVALID_TOKEN");
      expect(refused.headers.getSetCookie()).toEqual([]);
      await send("auth.logout", mallory.cookie, ada.cookie);
      for (const { cookie, token } of [ada, mallory]) {
        expect((await me(token)).status).toBe(200);
        expect(generationOf(await succeed(cookie))).toBe(1);
      }
    });
  });

  describe("signing out", () => {
    test("ends the session and its access tokens, and no other session", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const elsewhere = await signIn(person);
      const renewed = await refresh(person.cookie);
      await call("auth.logout", undefined, { cookie: refreshCookieOf(renewed)?.value });
      for (const token of [person.token, accessTokenOf(renewed)]) {
        const answer = await me(token);
        expectError(answer, 401, "INVALID_TOKEN");
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
      expectError(await refresh(person.cookie), 401, "INVALID_TOKEN");
      expect((await me(elsewhere.token)).status).toBe(200);
    });

    test("works with an old cookie of the session, and twice", async () => {
      const { cookie, token } = await signedInUser(server, { transport, overHttp: true });
      const third = await succeed(await succeed(cookie));
      server.clock.advance(60);
      for (let i = 0; i < 2; i++)
        expect((await call("auth.logout", undefined, { cookie })).status).toBe(200);
      expectError(await refresh(third), 401, "INVALID_TOKEN");
      expectError(await me(token), 401, "INVALID_TOKEN");
    });

    test("leaves no token that works, whatever is refreshed meanwhile", async () => {
      for (let round = 0; round < 20; round++) {
        const { cookie } = await signedInUser(server, { transport, overHttp: true });
        const [refreshed] = await Promise.all([
          refresh(cookie),
          call("auth.logout", undefined, { cookie }),
          refresh(cookie),
        ]);
        expect([200, 401]).toContain(refreshed.status);
        const successor = refreshed.status === 200 ? refreshCookieOf(refreshed)?.value : undefined;
        for (const token of [cookie, successor ?? cookie])
          expectError(await refresh(token), 401, "INVALID_TOKEN");
      }
    });
  });

  describe("the list", () => {
    const list = async (token: string) =>
      sessionList.parse((await call("auth.listSessions", undefined, { token })).data);

    test("shows each session's device, address and last use, the last used first", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const began = server.clock.now().toISOString();
      server.clock.advance(60);
      const phone = await signIn(person, { "user-agent": "Phone/1.0\t\u00e9" });
      const used = server.clock.now();
      expect(await list(phone.token)).toEqual([
        {
          id: decodeJwt(phone.token)["sid"],
          device: "Phone/1.0",
          address: "127.0.0.1",
          created_at: used.toISOString(),
          last_used_at: used.toISOString(),
          expires_at: new Date(used.getTime() + 604_800_000).toISOString(),
          current: true,
        },
        expect.objectContaining({ device: null, created_at: began, current: false }),
      ]);
      server.clock.advance(60);
      await call("auth.refresh", undefined, {
        cookie: person.cookie,
        headers: { "user-agent": `Laptop ${"x".repeat(500)}` },
      });
      const [first, second] = await list(person.token);
      expect(first).toMatchObject({
        current: true,
        created_at: began,
        last_used_at: server.clock.now().toISOString(),
      });
      expect(first?.device).toHaveLength(200);
      expect(second).toMatchObject({ device: "Phone/1.0", current: false });
    });

    test.each([
      ["2001:db8::1", "2001:db8::1"],
      ["192.0.2.7", "192.0.2.7"],
      ["x".repeat(4096), "unknown"],
    ])("shows the address %.20s… as %s", async (given, address) => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const { token } = await signIn(person, { "x-forwarded-for": given });
      expect(await list(token)).toContainEqual(expect.objectContaining({ current: true, address }));
    });

    test("leaves out what has ended or expired, and other people's", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      await signedInUser(server, { transport, overHttp: true });
      const gone = await signIn(person);
      await call("auth.logout", undefined, { cookie: gone.cookie });
      server.clock.advance(7 * day);
      const now = await signIn(person);
      expect((await list(now.token)).map(({ id }) => id)).toEqual([decodeJwt(now.token)["sid"]]);
    });
  });

  describe("ending sessions", () => {
    test("ends the one that is named, or none, and tells no difference", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const [phone, stranger] = [
        await signIn(person),
        await signedInUser(server, { transport, overHttp: true }),
      ];
      const end = (token: string) =>
        call("auth.revokeSession", { session_id: decodeJwt(token)["sid"] }, person);
      const [own, again, foreign] = [
        await end(phone.token),
        await end(phone.token),
        await end(stranger.token),
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

    test("ends all others", async () => {
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

  describe("changing the password", () => {
    const change = (token: string, current_password: string, new_password: unknown) =>
      call("auth.changePassword", { current_password, new_password }, { token });
    const newPassword = "another battery";

    test("ends the other sessions, and only the new one signs in", async () => {
      const person = await signedInUser(server, { transport, overHttp: true });
      const { email, password } = person;
      const other = await signIn(person);
      const answer = await change(person.token, password, newPassword);
      expect(answer.error).toBeUndefined();
      expectError(await me(other.token), 401, "INVALID_TOKEN");
      expectError(await refresh(other.cookie), 401, "INVALID_TOKEN");
      expect((await refresh(person.cookie)).status).toBe(200);
      expectError(await call("auth.login", { email, password }), 401, "INVALID_CREDENTIALS");
      const again = await call("auth.login", { email, password: newPassword });
      expect(again.status).toBe(200);
    });

    test("wants the current one, and a new one that register would take", async () => {
      const { token, password } = await signedInUser(server, { transport, overHttp: true });
      const wrong = await change(token, "wrong horse", newPassword);
      expectError(wrong, 401, "INVALID_CREDENTIALS", "current_password");
      // It is not the access token that was refused.
      expect(wrong.headers.get("www-authenticate")).toBeNull();
      const short = await change(token, password, "1234567");
      expectError(short, 400, "PASSWORD_TOO_SHORT", "new_password");
      const missing = await change(token, password, undefined);
      expectError(missing, 422, "VALIDATION_ERROR", "new_password");
      expect((await change(token, password, password)).error).toBeUndefined();
    });

    test("leaves no session that began with the old one meanwhile", async () => {
      for (let round = 0; round < 5; round++) {
        const { token, email, password } = await signedInUser(server, {
          transport,
          overHttp: true,
        });
        const [changed, ...signedIn] = await Promise.all([
          change(token, password, newPassword),
          ...Array.from({ length: 4 }, () => call("auth.login", { email, password })),
        ]);
        expect(changed.error).toBeUndefined();
        for (const answer of signedIn.filter(({ status }) => status === 200)) {
          const cookie = refreshCookieOf(answer)?.value ?? "";
          expectError(await refresh(cookie), 401, "INVALID_TOKEN");
          expectError(await me(accessTokenOf(answer)), 401, "INVALID_TOKEN");
        }
      }
    });
  });

  describe("deleting the account", () => {
    test("takes all that is the user's along, and nothing else", async () => {
      const [person, stranger] = [
        await signedInUser(server, { transport, overHttp: true }),
        await signedInUser(server, { transport, overHttp: true }),
      ];
      const { email, password, token, id } = person;
      for (const who of [person, stranger]) {
        const { data: task } = await call("task.create", { title: "A task" }, who);
        const { data: tag } = await call("tag.create", { name: "A tag" }, who);
        const ids = {
          task_id: (task as { id: number }).id,
          tag_id: (tag as { id: number }).id,
        };
        await call("task.addTag", ids, who);
      }
      const wrong = await call("auth.deleteAccount", { password: "wrong horse" }, { token });
      expectError(wrong, 401, "INVALID_CREDENTIALS", "password");
      const answer = await call("auth.deleteAccount", { password }, { token });
      expect(answer.error).toBeUndefined();
      expect(answer.headers.getSetCookie()).toEqual([]);
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
      // The address has another owner now, whom the old token does not speak for.
      expectError(await call("auth.deleteAccount", { password }, { token }), 401, "INVALID_TOKEN");
    });
  });
});
