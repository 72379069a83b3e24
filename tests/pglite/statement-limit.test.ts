import { expect, test, vi } from "vitest";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { openCopy } from "../support/setup/embedded-copy.ts";
import { startServer } from "../support/setup/server.ts";

/** Never ends by itself. */
const endless = `
  with recursive numbers (n) as (select 1::bigint union all select n + 1 from numbers)
  select count(*) from numbers`;

/** Calls fail until the database is open again. The limit only ends a loop that would never end. */
const reopening = { timeout: 60_000 };

test("while a statement never ends, the server responds; it is ended at its limit, and all calls succeed again", async () => {
  const warnings: string[] = [];
  const orm = await openCopy(warnings);
  const server = await startServer({ orm });
  const ada = await signedInUser(server);
  for (const transport of transports) {
    const created = await transport.call(
      server.url,
      "task.create",
      { title: transport.name },
      { token: ada.token },
    );
    expect(created.data).toMatchObject({ title: transport.name });
  }
  let ended = false;
  const statement = orm.em
    .fork()
    .execute(endless)
    .finally(() => (ended = true));
  for (let request = 1; request <= 100; request++) {
    expect((await send(server.url, { method: "GET", path: "/health" })).status).toBe(200);
  }
  expect(ended).toBe(false);
  await expect(statement).rejects.toThrow("did not answer within 5000 ms");
  for (const transport of transports) {
    await vi.waitFor(async () => {
      const list = await transport.call(server.url, "task.list", {}, { token: ada.token });
      expect(list.data).toMatchObject({ total: transports.length });
    }, reopening);
  }
  expect(warnings).toContain(
    "A statement of the embedded database took too long: opening the database again",
  );
});
