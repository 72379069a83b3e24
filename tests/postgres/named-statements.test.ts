import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { startServer } from "../support/setup/server.ts";

// docs/operations.md promises it for pgbouncer, whose max_prepared_statements may have any value then.
test("the server leaves no named statement in a connection", async () => {
  const { url, drop } = await clonePostgres();
  onTestFinished(drop);
  // One connection, so that the last statement sees what all others have left.
  const orm = await openPostgres(url, { poolMin: 1, poolMax: 1 });
  const server = await startServer({ orm });
  onTestFinished(() => server.close());
  const user = await signedInUser(server, { overHttp: true });
  const { id: tag_id } = await user.newTag();
  const { id: task_id } = await user.newTask();
  await user.call("task.addTag", { task_id, tag_id });
  // pg names a statement on request only; a driver that does so by itself may begin after some repetitions.
  for (let i = 0; i < 10; i++) await user.page({ q: "task", sort: "-priority" });
  expect(await orm.em.execute("select statement from pg_prepared_statements")).toEqual([]);
  await orm.em.execute("prepare named as select 1");
  expect(await orm.em.execute("select name from pg_prepared_statements")).toHaveLength(1);
});
