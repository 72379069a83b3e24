import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { cloneDatabase } from "../support/setup/database.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports, newRefreshCookieOf } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
import { startServer, testClock, type TestServer } from "../support/setup/server.ts";
import { required } from "../support/setup/required.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

const clock = testClock();
let orm: Orm;
let first: TestServer;
let second: TestServer;
const start = () => startServer({ orm: { ...orm, close: async () => {} }, clock });
beforeAll(async () => {
  orm = await cloneDatabase();
  [first, second] = [await start(), await start()];
});
afterAll(async () => {
  await first.close();
  await second.close();
  await orm.close();
});

describe.each(transports)("over $name", (transport) => {
  const me = ({ url }: TestServer, token: string) =>
    transport.call(url, "auth.me", undefined, { token });
  const logout = (cookie: string) =>
    transport.call(first.url, "auth.logout", undefined, { cookie });

  test("a session revoked on one replica is rejected by the other soon after", async () => {
    const { token, cookie } = await signedInUser(first, { transport });
    expect((await me(second, token)).status).toBe(200);
    await logout(cookie);
    const revokedAt = performance.now();
    await expect.poll(async () => (await me(second, token)).error?.code).toBe("INVALID_TOKEN");
    expectPromisedTime("Revocation on the other replica", performance.now() - revokedAt, 1000);
  });

  test.each([
    ["just before the end of the outage", 0],
    ["five minutes before the end of the outage", 300],
  ])(
    "a session revoked while a replica cannot poll, %s, is rejected once it can poll again",
    async (_, seconds) => {
      const { token, cookie } = await signedInUser(first, { transport });
      const em = orm.em.fork();
      const failedPoll = () => second.log.some(({ msg }) => msg === "Database unavailable");
      await em.execute("alter table sessions rename to sessions_renamed");
      await expect.poll(failedPoll).toBe(true);
      const revoke =
        "update sessions_renamed set revoked_at = now() - make_interval(secs => ?) where id = ?";
      await em.execute(revoke, [
        seconds,
        JSON.parse(
          Buffer.from(required(cookie.split(".")[1], "the claims"), "base64url").toString(),
        ).sid,
      ]);
      expect((await me(second, token)).status).toBe(200);
      await em.execute("alter table sessions_renamed rename to sessions");
      await expect.poll(async () => (await me(second, token)).status).toBe(401);
      const messages = second.log.filter(({ msg }) => String(msg).startsWith("Database "));
      second.log.length = 0;
      expect(messages.map(({ msg }) => msg)).toEqual([
        "Database unavailable",
        "Database available again",
      ]);
    },
  );

  test("a replica that starts later rejects sessions revoked before its start", async () => {
    const { token, cookie } = await signedInUser(first, { transport });
    await logout(cookie);
    const third = await start();
    try {
      expectError(await me(third, token), 401, "INVALID_TOKEN");
    } finally {
      await third.close();
    }
  });

  test("after an account was deleted on one replica, the other one rejects its tokens at once", async () => {
    const eve = await signedInUser(first, { transport });
    const { id: task_id } = await eve.newTask();
    const { id: tag_id } = await eve.newTag();
    expect(
      (await eve.call("auth.deleteAccount", { password: eve.password })).error,
    ).toBeUndefined();
    const { token, cookie } = eve;
    const calls: [string, object?][] = [
      ["auth.me"],
      ["auth.listSessions"],
      ["auth.revokeOtherSessions"],
      ["task.list", {}],
      ["task.create", { title: "Late" }],
      ["task.get", { task_id }],
      ["task.addTag", { task_id, tag_id }],
      ["tag.list"],
      ["tag.create", { name: "Late" }],
    ];
    for (const [procedure, input] of calls) {
      const response = await transport.call(second.url, procedure, input, { token });
      expectError(response, 401, "INVALID_TOKEN");
    }
    const refreshed = await transport.call(second.url, "auth.refresh", undefined, { cookie });
    expectError(refreshed, 401, "INVALID_TOKEN");
  });

  test("a hundred concurrent refreshes on two replicas all return the same new token", async () => {
    const { cookie } = await signedInUser(first, { transport });
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        transport.call((i % 2 ? first : second).url, "auth.refresh", undefined, { cookie }),
      ),
    );
    expect(countOutcomes(responses)).toEqual({ 200: 100 });
    expect(new Set(responses.map((response) => newRefreshCookieOf(response).value)).size).toBe(1);
  });
});
