import { expect, onTestFinished, test } from "vitest";
import { rest } from "../support/client/transports.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import { secret, startServer } from "../support/setup/server.ts";

/** Users and the lists of each at once: as many as run at once. */
const [users, listsOfEach] = [75, 4];

test("while 300 concurrent lists with 100 long tasks each run, every check of readiness succeeds", async () => {
  const database = await clonePostgres();
  onTestFinished(database.drop);
  // Creates the users, whose tokens the process accepts.
  const orm = await openPostgres(database.url, { poolMin: 0, poolMax: 5 });
  const local = await startServer({ orm });
  onTestFinished(local.close);
  const accounts: SignedInUser[] = [];
  while (accounts.length < users) accounts.push(await signedInUser(local));
  await orm.em.execute(
    `insert into tasks (user_id, title, description)
     select id, 'A task', repeat('x', 1000) from users, generate_series(1, 100)`,
  );
  const { url } = await serve(await temporaryFolder(), {
    JWT_SECRET_KEY: secret,
    DATABASE_URL: database.url,
  });
  for (let round = 1; round <= 3; round++) {
    const lists = accounts.flatMap(({ token }) =>
      Array.from({ length: listsOfEach }, async () => {
        const { status } = await rest.call(url, "task.list", { limit: 100 }, { token });
        return status;
      }),
    );
    const done = new AbortController();
    const all = Promise.all(lists).finally(() => done.abort());
    const statuses: number[] = [];
    while (!done.signal.aborted) statuses.push((await fetch(`${url}/health/ready`)).status);
    expect(statuses).toEqual(statuses.map(() => 200));
    // A list that waits too long for a connection gets 503: readiness must not depend on it.
    const failed = (await all).filter((status) => status !== 200 && status !== 503);
    expect(failed).toEqual([]);
  }
});
