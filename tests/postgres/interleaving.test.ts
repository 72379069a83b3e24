import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { withBlockingTransaction, type Sql } from "../support/faults/blocking-transaction.ts";
import type { TestServer } from "../support/setup/server.ts";
import { startWatched, type Statement } from "../support/setup/statement-recorder.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

let server: TestServer;
let statements: Statement[];
beforeAll(async () => {
  ({ server, statements } = await startWatched());
});
afterAll(() => server.close());

describe.each(transports)("over $name", (transport) => {
  const [created, gone] = transport.name === "REST" ? ["201", "204"] : ["200", "200"];
  let ada: SignedInUser;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
  });

  const meet = (held: Sql, name: string, input: object, next?: Sql | "rollback") =>
    withBlockingTransaction(server.deps.orm, held, () => ada.call(name, input), next);
  const pair = async () => ({
    task_id: (await ada.newTask()).id,
    tag_id: (await ada.newTag(randomUUID())).id,
  });

  test.each([
    ["tag", "TAG_NOT_FOUND"],
    ["task", "TASK_NOT_FOUND"],
  ])("a %s that is being deleted is not linked, unless it stays", async (noun, code) => {
    const ids = await pair();
    const held: Sql = [
      `delete from ${noun}s where id = ?`,
      noun === "tag" ? ids.tag_id : ids.task_id,
    ];
    const kept = await meet(held, "task.addTag", ids, "rollback");
    expect(countOutcomes([kept])).toEqual({ [created]: 1 });
    await ada.call("task.removeTag", ids);
    expect(countOutcomes([await meet(held, "task.addTag", ids)])).toEqual({ [code]: 1 });
  });

  test("a task that is being deleted is not patched, unless it stays", async () => {
    const { task_id } = await pair();
    const held: Sql = ["delete from tasks where id = ?", task_id];
    const kept = await meet(held, "task.patch", { task_id, title: "Kept" }, "rollback");
    expect(kept.data).toMatchObject({ title: "Kept" });
    const late = await meet(held, "task.patch", { task_id, title: "Gone" });
    expect(countOutcomes([late])).toEqual({ TASK_NOT_FOUND: 1 });
  });

  test("a name that is being taken is taken, unless it stays free", async () => {
    const name = randomUUID();
    const held: Sql = ["insert into tags (name, user_id) values (?, ?)", name, ada.id];
    const taken = await meet(held, "tag.create", { name });
    expect(countOutcomes([taken])).toEqual({ TAG_ALREADY_EXISTS: 1 });
    await server.deps.orm.em.fork().execute("delete from tags where name = ?", [name]);
    expect(countOutcomes([await meet(held, "tag.create", { name }, "rollback")])).toEqual({
      [created]: 1,
    });
  });

  test("a user who is being deleted makes nothing more", async () => {
    const eve = await signedInUser(server, { transport });
    const held: Sql = ["delete from users where id = ?", eve.id];
    const call = () => eve.call("task.create", { title: "Late" });
    expect(countOutcomes([await withBlockingTransaction(server.deps.orm, held, call)])).toEqual({
      INVALID_TOKEN: 1,
    });
  });

  test("a deadlock is tried again, and succeeds", async () => {
    const linked = await pair();
    await ada.call("task.addTag", linked);
    const before = statements.length;
    // Each call holds the task when it waits for the other row, whose owner then asks for the task.
    const meetInDeadlock = (name: string, ids: typeof linked, row: string) =>
      meet([`select from ${row} = ? for update`, ids.tag_id], name, ids, [
        "select from tasks where id = ? for update",
        ids.task_id,
      ]);
    const answers = await Promise.all([
      meetInDeadlock("task.delete", linked, "task_tag_link where tag_id"),
      meetInDeadlock("task.addTag", await pair(), "tags where id"),
    ]);
    expect(answers.map(({ status }) => String(status))).toEqual([gone, created]);
    const failures = statements.slice(before).flatMap(({ failure }) => failure ?? []);
    // A second try may slip in before the other wakes up, and be given up like the first.
    expect(failures.length).toBeGreaterThanOrEqual(2);
    expect(new Set(failures)).toEqual(new Set(["40P01"]));
  });
});
