import { migrateDown, migrateUp } from "@taskwire/server/db/migration-run.ts";
import { migrations } from "@taskwire/migrations";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { type CallResponse, transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

/** Runs migrations of the server's database. A check of the database is valid for a second. */
const migrate = async (run: typeof migrateDown): Promise<void> => {
  await run(server.deps.orm);
  server.clock.advance(1);
};

const password = "correct horse battery";
const calls: readonly [procedure: string, input?: unknown][] = [
  ["auth.me"],
  ["auth.listSessions"],
  ["auth.refresh"],
  ["auth.revokeOtherSessions"],
  ["auth.register", { email: "new@example.com", password }],
  ["auth.login", { email: "new@example.com", password }],
  ["auth.changePassword", { current_password: password, new_password: "another horse" }],
  ["task.create", { title: "A task" }],
  ["task.list"],
  ["task.get", { task_id: 1 }],
  ["task.patch", { task_id: 1, title: "Newer" }],
  ["task.addTag", { task_id: 1, tag_id: 1 }],
  ["task.removeTag", { task_id: 1, tag_id: 1 }],
  ["tag.create", { name: "A tag" }],
  ["tag.list"],
  ["tag.update", { tag_id: 1, name: "Newer" }],
  ["tag.delete", { tag_id: 1 }],
];

describe.each(transports)("over $name", (transport) => {
  /** Makes all calls for a user. Returns the responses by the procedures' names. */
  const callAll = async (options: { token: string; cookie: string }) => {
    const responses: [procedure: string, response: CallResponse][] = [];
    for (const [procedure, input] of calls)
      responses.push([procedure, await transport.call(server.url, procedure, input, options)]);
    return responses;
  };

  test("while any number of migrations is pending, each server error is a 503 with Retry-After", async () => {
    const user = await signedInUser(server);
    for (const _ of migrations) {
      await migrate(migrateDown);
      const failed = (await callAll(user)).filter(([, { status }]) => status >= 500);
      const retryAfter = failed.map(([name, { headers }]) => [name, headers.get("retry-after")]);
      expect(failed.map(([name, { status }]) => [name, status])).toEqual(
        failed.map(([name]) => [name, 503]),
      );
      expect(retryAfter).toEqual(failed.map(([name]) => [name, "1"]));
    }
  });

  test("without any migration, every call gets SERVICE_UNAVAILABLE; after `migrate up`, calls succeed without a restart", async () => {
    const user = await signedInUser(server);
    for (const _ of migrations) await migrate(migrateDown);
    for (const [, response] of await callAll(user))
      expectError(response, 503, "SERVICE_UNAVAILABLE");
    await migrate(migrateUp);
    const next = await signedInUser(server, { transport, overHttp: true });
    const task = await next.newTask();
    expect(await next.page()).toMatchObject({ items: [{ id: task.id }], total: 1 });
  });
});
