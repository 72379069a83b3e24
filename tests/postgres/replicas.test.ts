import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { cloneDatabase } from "../support/setup/database.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports, refreshCookieOf } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, testClock, type TestServer } from "../support/setup/server.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

/** The second that is promised, and as much again for a busy machine. */
const soon = { timeout: 2000, interval: 20 };

const clock = testClock();
let orm: Orm;
let here: TestServer;
let there: TestServer;
const start = () => startServer({ orm: { ...orm, close: async () => {} }, clock });
beforeAll(async () => {
  orm = await cloneDatabase();
  [here, there] = [await start(), await start()];
});
afterAll(async () => {
  await here.close();
  await there.close();
  await orm.close();
});

describe.each(transports)("over $name", (transport) => {
  const me = ({ url }: TestServer, token: string) =>
    transport.call(url, "auth.me", undefined, { token });
  const logout = (cookie: string) => transport.call(here.url, "auth.logout", undefined, { cookie });

  test("a session that ended here has soon ended there", async () => {
    const { token, cookie } = await signedInUser(here, { transport });
    expect((await me(there, token)).status).toBe(200);
    await logout(cookie);
    await expect.poll(async () => (await me(there, token)).error?.code, soon).toBe("INVALID_TOKEN");
  });

  test("what ended while a replica could not look, it learns when it can again", async () => {
    const { token, cookie } = await signedInUser(here, { transport });
    const em = orm.em.fork();
    const away = () => there.log.some(({ msg }) => msg === "The database is away");
    await em.execute("alter table sessions rename to sessions_away");
    await expect.poll(away, soon).toBe(true);
    await em.execute("update sessions_away set revoked_at = now() where id = ?", [
      JSON.parse(Buffer.from(cookie.split(".")[1] ?? "", "base64url").toString()).sid,
    ]);
    expect((await me(there, token)).status).toBe(200);
    await em.execute("alter table sessions_away rename to sessions");
    await expect.poll(async () => (await me(there, token)).status, soon).toBe(401);
    const told = there.log.filter(({ msg }) => String(msg).startsWith("The database is"));
    there.log.length = 0;
    expect(told.map(({ msg }) => msg)).toEqual(["The database is away", "The database is back"]);
  });

  test("a replica that starts later knows what ended before", async () => {
    const { token, cookie } = await signedInUser(here, { transport });
    await logout(cookie);
    const late = await start();
    try {
      expectError(await me(late, token), 401, "INVALID_TOKEN");
    } finally {
      await late.close();
    }
  });

  test("a hundred refreshes at once on two replicas give one successor", async () => {
    const { cookie } = await signedInUser(here, { transport });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        transport.call((i % 2 ? here : there).url, "auth.refresh", undefined, { cookie }),
      ),
    );
    expect(countOutcomes(answers)).toEqual({ 200: 100 });
    expect(new Set(answers.map((answer) => refreshCookieOf(answer)?.value)).size).toBe(1);
  });
});
