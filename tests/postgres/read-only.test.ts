import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { proceduresOf } from "@taskwire/server/rpc/meta.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { rest } from "../support/client/transports.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { startServer } from "../support/setup/server.ts";

// docs/operations/growth.md says which procedures a replica could serve.
test("on connections that only read, as to a replica, every query succeeds and a mutation gets 503", async () => {
  const { url, drop } = await clonePostgres();
  onTestFinished(drop);
  const serve = async (options: string) => {
    const orm = await openPostgres(url + options, { poolMin: 0, poolMax: 5 });
    const server = await startServer({ orm });
    onTestFinished(() => server.close());
    return server;
  };
  const primary = await serve("");
  const replica = await serve("?options=-c%20default_transaction_read_only%3Don");
  const user = await signedInUser(primary);
  const { id: task_id } = await user.newTask();
  await user.newTag();
  const inputs = new Map([["task.get", { task_id }]]);
  const queries = proceduresOf(appRouter).filter(([, { _def }]) => _def.type === "query");
  expect(queries.length).toBeGreaterThan(3);
  for (const [name] of queries) {
    const input = inputs.get(name) ?? {};
    const response = await rest.call(replica.url, name, input, { token: user.token });
    expect([name, response]).toMatchObject([name, { status: 200 }]);
  }
  const search = await rest.call(replica.url, "task.list", { q: "task" }, { token: user.token });
  expect(search).toMatchObject({ status: 200, data: { total: 1 } });
  const patch = { task_id, completed: true };
  const written = await rest.call(replica.url, "task.patch", patch, { token: user.token });
  expect(written).toMatchObject({ status: 503 });
});
