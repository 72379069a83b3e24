import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { signedInUser, type SignedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const address = "127.0.0.1";
const always = { time: expect.any(String), request_id: expect.any(String), address };

const start = async (env: Record<string, string> = {}): Promise<TestServer> => {
  const server = await startServer({ env });
  onTestFinished(() => server.close());
  return server;
};

const eventsOf = ({ log }: TestServer) => log.filter((line) => "event" in line);

describe.each(transports)("over $name", (transport) => {
  let server: TestServer;
  let ada: SignedInUser;
  beforeEach(async () => {
    server = await start();
    ada = await signedInUser(server, { transport });
  });

  test("signInFailed has the reason, which the responses do not show, and neither password nor e-mail address", async () => {
    const signIn = (email: string) =>
      transport.call(server.url, "auth.login", { email, password: "a wrong password" });
    const [wrong, unknown] = [await signIn(ada.email), await signIn("unknown@example.com")];
    expect(wrong).toMatchObject({ status: 401, text: unknown.text });
    const failed = { ...always, level: "warn", event: "signInFailed", msg: "Sign-in failed" };
    expect(eventsOf(server)).toEqual([
      { ...failed, reason: "wrongPassword", user_id: ada.id },
      { ...failed, reason: "unknownAccount" },
    ]);
    expect(JSON.stringify(server.log)).not.toMatch(/wrong password|example\.com/);
  });

  test("passwordRejected, passwordChanged and accountDeleted have the user", async () => {
    const other = await transport.call(server.url, "auth.login", ada);
    expect(other.status).toBe(200);
    const change = (current_password: string) =>
      ada.call("auth.changePassword", { current_password, new_password: "a new password" });
    await change("a wrong password");
    await change(ada.password);
    await ada.call("auth.deleteAccount", { password: "a new password" });
    const user_id = ada.id;
    expect(eventsOf(server)).toMatchObject([
      { event: "passwordRejected", level: "warn", user_id, address },
      { event: "passwordChanged", level: "info", user_id, address, sessions: 1 },
      { event: "accountDeleted", level: "info", user_id, address },
    ]);
    expect(JSON.stringify(server.log)).not.toMatch(/a (?:wrong|new) password/);
  });

  test("sessionsRevoked has the reason and the sessions, and is not written if none was active", async () => {
    const signIn = (cookie?: string) => transport.call(server.url, "auth.login", ada, { cookie });
    await signIn(ada.cookie);
    await signIn();
    const again = await signedInUser(server, { transport });
    await again.call("auth.revokeOtherSessions");
    await again.call("auth.revokeSession", { session_id: again.sid });
    await transport.call(server.url, "auth.logout", undefined, { cookie: again.cookie });
    const grace = await signedInUser(server, { transport });
    await transport.call(server.url, "auth.login", grace);
    await grace.call("auth.revokeOtherSessions");
    await transport.call(server.url, "auth.logout", undefined, { cookie: grace.cookie });
    const revoked = { event: "sessionsRevoked", level: "info", address, sessions: 1 };
    expect(eventsOf(server)).toMatchObject([
      { ...revoked, reason: "newSignIn", user_id: ada.id, session_id: ada.sid },
      { ...revoked, reason: "user", user_id: again.id, session_id: again.sid },
      { ...revoked, reason: "otherSessions", user_id: grace.id },
      { ...revoked, reason: "signOut", user_id: grace.id, session_id: grace.sid },
    ]);
  });

  test("refreshTokenReused has user and session", async () => {
    const refresh = () =>
      transport.call(server.url, "auth.refresh", undefined, { cookie: ada.cookie });
    const successor = await refresh();
    server.clock.advance(60);
    const [, cookie = ""] =
      /refresh_token=([^;]+)/.exec(successor.headers.getSetCookie().join()) ?? [];
    await transport.call(server.url, "auth.refresh", undefined, { cookie });
    server.clock.advance(60);
    expect((await refresh()).status).toBe(401);
    expect(eventsOf(server)).toMatchObject([
      { event: "refreshTokenReused", level: "warn", user_id: ada.id, session_id: ada.sid, address },
    ]);
  });

  test.each([
    ["login", { RATE_LIMIT_LOGIN: "1" }, "auth.login"],
    ["register", { RATE_LIMIT_REGISTER: "1" }, "auth.register"],
    ["refresh", { RATE_LIMIT_REFRESH: "1" }, "auth.refresh"],
    ["callsOfAddress", { RATE_LIMIT_CALLS_PER_ADDRESS: "1" }, "auth.me"],
  ])(
    "limitTripped has the limit %s, once a minute however often it trips",
    async (reason, env, procedure) => {
      const limited = await start(env);
      const input = { email: "unknown@example.com", password: "a password" };
      const call = () =>
        transport.call(
          limited.url,
          procedure,
          procedure.endsWith("me") || procedure.endsWith("refresh") ? undefined : input,
        );
      for (let i = 0; i < 5; i++) await call();
      const trips = () => eventsOf(limited).filter(({ event }) => event === "limitTripped");
      const trip = { ...always, level: "warn", event: "limitTripped", msg: "Rate limit tripped" };
      expect(trips()).toEqual([{ ...trip, reason }]);
    },
  );

  test("limitTripped has the user of a limit of calls, and comes again after a minute", async () => {
    const limited = await start({ RATE_LIMIT_CALLS_PER_USER: "1" });
    const [first, second] = [await signedInUser(limited), await signedInUser(limited)];
    const flood = async () => {
      for (const user of [first, second, first, second, first, second]) await user.call("auth.me");
    };
    await flood();
    const trips = [first, second].map(({ id }) => ({ reason: "callsOfUser", user_id: id }));
    expect(eventsOf(limited)).toMatchObject(trips);
    limited.clock.advance(61);
    await flood();
    expect(eventsOf(limited)).toMatchObject([...trips, ...trips]);
  });
});
