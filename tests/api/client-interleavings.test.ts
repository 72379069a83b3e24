import { type Client, createClient } from "@taskwire/client";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signedInUser, type SignedInUser } from "../support/client/signed-in-user.ts";
import { simulatedBrowser } from "../support/client/simulated-browser.ts";
import { repeated, times } from "../support/setup/property.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
let users: SignedInUser[];
beforeAll(async () => {
  server = await startServer();
  users = await Promise.all([signedInUser(server), signedInUser(server)]);
});
afterAll(() => server.close());

/** Seconds until an access token has expired. */
const accessTokenLifetime = 906;

const step = fc.record({
  tab: fc.nat(2),
  user: fc.nat(1),
  action: fc.oneof(
    { weight: 3, arbitrary: fc.constant("signIn" as const) },
    { weight: 1, arbitrary: fc.constant("signOut" as const) },
    { weight: 5, arbitrary: fc.constant("create" as const) },
    { weight: 3, arbitrary: fc.constant("list" as const) },
    { weight: 2, arbitrary: fc.constant("expire" as const) },
    { weight: 1, arbitrary: fc.constant("wait" as const) },
  ),
});

const parts = fc.constantFrom(
  { channel: true, locks: true },
  { channel: true, locks: false },
  { channel: false, locks: true },
  { channel: false, locks: false },
);

/** Tasks that were created. */
let successes = 0;

/** Does what a step says in a tab, as the user whom the tab shows at this moment. */
const act = async (
  client: Client,
  { action, user }: { action: string; user: number },
): Promise<void> => {
  const visible = client.session.user?.id ?? client.session.status;
  const { email = "", password = "" } = users[user] ?? {};
  switch (action) {
    case "signIn":
      await client.session.signIn({ email, password });
      break;
    case "signOut":
      await client.session.signOut();
      break;
    case "create": {
      await client.task.create.mutate({ title: visible });
      successes++;
      break;
    }
    case "list": {
      const { items } = await client.task.list.query({ limit: 3 });
      if (visible !== "restoring")
        expect(items.map(({ user_id }) => user_id)).toEqual(items.map(() => visible));
      break;
    }
    case "expire":
      server.clock.advance(accessTokenLifetime);
  }
};

test("whatever two users do in three tabs of a browser at once, no call reads or writes another user's data than the tab shows", async () => {
  const runs = times("TAB_RUNS", 200);
  let ended = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      parts,
      fc.array(step, { minLength: 4, maxLength: 14 }),
      async (scheduler, available, steps) => {
        const browser = simulatedBrowser(scheduler, available);
        const tabs = [0, 1, 2].map(() =>
          createClient({
            url: server.url,
            fetch: browser.fetch,
            tabs: browser.platform,
            onSignedOut: () => ended++,
          }),
        );
        const running: Promise<void>[] = [];
        for (const { tab, ...rest } of steps) {
          const client = tabs[tab];
          if (client === undefined) throw new Error("No such tab");
          if (rest.action === "wait") await scheduler.waitFor(Promise.allSettled(running));
          else {
            const done = act(client, rest);
            done.catch(() => {}); // Awaited below.
            running.push(done);
            // Half of the steps begin while the ones before them run.
            if (rest.user === 0) await scheduler.waitFor(Promise.allSettled([done]));
          }
        }
        const outcomes = await scheduler.waitFor(Promise.allSettled(running));
        for (const outcome of outcomes) {
          if (outcome.status === "rejected" && !isExpected(outcome.reason)) throw outcome.reason;
        }
        const created = await server.deps.orm.em
          .fork()
          .execute<{ title: string; user_id: string }[]>(
            "delete from tasks returning title, user_id",
          );
        expect(
          created.filter(({ title, user_id }) => title !== user_id && title !== "restoring"),
        ).toEqual([]);
      },
    ),
    { numRuns: runs, ...repeated },
  );
  // Otherwise the property would hold for want of calls.
  expect(successes).toBeGreaterThan(0);
  expect(ended).toBeGreaterThan(0);
}, 600_000);

/** Returns whether a call may fail so: it was rejected, or its session had ended. Not a failed assertion. */
const isExpected = (error: unknown): boolean =>
  error instanceof Error && (error.name === "TRPCClientError" || error.name === "SessionError");
