import { appRouter } from "@taskwire/server/rpc/router.ts";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { sorts } from "../support/client/listing.ts";
import type { TestServer } from "../support/setup/server.ts";
import { startWatched, type Statement } from "../support/setup/statement-recorder.ts";

let server: TestServer;
let statements: Statement[];
beforeAll(async () => {
  ({ server, statements } = await startWatched());
});
afterAll(() => server.close());

/** SQL statements per successful call, with those of a transaction where the driver sends them one by one. */
const expectedCounts: Record<string, number> = {
  "auth.register": 1,
  // The password is verified between the two statements.
  "auth.login": 2,
  "auth.refresh": 1,
  "auth.logout": 1,
  "auth.me": 1,
  "auth.listSessions": 1,
  "auth.revokeSession": 1,
  "auth.revokeOtherSessions": 1,
  "auth.changePassword": 5,
  "auth.deleteAccount": 2,
  "task.create": 1,
  "task.list": 1,
  "task.get": 1,
  "task.update": 1,
  "task.patch": 1,
  "task.delete": 1,
  "task.addTag": 1,
  "task.removeTag": 1,
  "tag.create": 1,
  "tag.list": 1,
  "tag.update": 1,
  "tag.delete": 1,
};

test("every procedure has an expected statement count", () => {
  expect(Object.keys(expectedCounts)).toEqual(Object.keys(appRouter._def.procedures));
});

const givenSorts = sorts.filter((sort) => sort !== undefined);

describe.each(transports)("over $name", (transport) => {
  /** Creates a user with so many tasks, each with all of so many tags. */
  const newActorWithTasks = async (tasks: number, tags: number): Promise<SignedInUser> => {
    const actor = await signedInUser(server, { transport });
    const values = (count: number) => Array.from({ length: count }, () => "(?, ?)").join();
    const em = server.deps.orm.em.fork();
    const names = (count: number, word: string) =>
      Array.from({ length: count }, (_, i) => [`${word} ${i}`, actor.id]).flat();
    await em.execute(
      `insert into tasks (title, user_id) values ${values(tasks)}`,
      names(tasks, "Task"),
    );
    await em.execute(`insert into tags (name, user_id) values ${values(tags)}`, names(tags, "Tag"));
    await em.execute(
      "insert into task_tag_link select t.id, g.id from tasks t join tags g using (user_id) where user_id = ?",
      [actor.id],
    );
    return actor;
  };

  test("no text over its bound reaches the database, where the call is not an error: task.list, auth.login", async () => {
    const { call, password } = await signedInUser(server, { transport });
    const before = statements.length;
    expect((await call("task.list", { tag: "x".repeat(2000) })).error).toBeUndefined();
    const input = { email: "x".repeat(20_000), password };
    const { error } = await transport.call(server.url, "auth.login", input);
    expect(error?.code).toBe("INVALID_CREDENTIALS");
    // A driver may write the parameters into the statement. 255 is one more than the maximum of an address.
    const sent = JSON.stringify(statements.slice(before));
    expect(sent).toMatch(/x{255}/);
    expect(sent).not.toMatch(/x{256}/);
  });

  describe.each([
    [1, 1],
    [100, 5],
  ])("a user with %i tasks of %i tags each", (taskCount, tagCount) => {
    let ada: SignedInUser;
    beforeAll(async () => {
      ada = await newActorWithTasks(taskCount, tagCount);
    });

    const expectStatements = async (
      name: string,
      input?: unknown,
      { token, cookie } = ada,
      count = expectedCounts[name],
    ) => {
      const before = statements.length;
      const { error } = await transport.call(server.url, name, input, { token, cookie });
      expect({ name, input, error, count: statements.length - before }).toEqual({
        name,
        input,
        error: undefined,
        count,
      });
    };

    test("each procedure sends its expected number of statements", async () => {
      const allFields = {
        title: "New",
        completed: true,
        priority: "high",
        due_date: "2030-01-01T00:00:00Z",
      };
      const { id: task_id } = await ada.newTask();
      const [linked, { id: tag_id }] = [await ada.newTag("Linked"), await ada.newTag("Renamed")];
      const { email, password } = ada;
      const anotherSession = async () => {
        const { data } = await transport.call(server.url, "auth.login", { email, password });
        return decodeJwt((data as { access_token: string }).access_token)["sid"];
      };
      const calls: [name: string, input?: unknown][] = [
        ["auth.register", { email: `new.${email}`, password }],
        ["auth.refresh"],
        ["auth.me"],
        ["auth.listSessions"],
        ["auth.revokeSession", { session_id: await anotherSession() }],
        ["auth.revokeOtherSessions"],
        ["task.create", allFields],
        ["task.get", { task_id }],
        ["task.update", { task_id, ...allFields }],
        ["task.patch", { task_id, title: "Newer" }],
        ["task.patch", { task_id }],
        ["task.addTag", { task_id, tag_id: linked.id }],
        ["task.addTag", { task_id, tag_id: linked.id }],
        ["task.removeTag", { task_id, tag_id: linked.id }],
        ["task.removeTag", { task_id, tag_id: linked.id }],
        ["tag.create", { name: `New ${taskCount}` }],
        ["tag.list"],
        ["tag.update", { tag_id, name: "Newest", color: "#123456" }],
        ["task.delete", { task_id }],
        ["tag.delete", { tag_id }],
        ["auth.changePassword", { current_password: password, new_password: "another horse" }],
      ];
      // With another user's cookie, whose session the sign-in revokes.
      const login: (typeof calls)[number] = ["auth.login", { email, password }];
      await expectStatements(...login, await signedInUser(server, { transport }));
      for (const [name, input] of calls) await expectStatements(name, input);
      const lastCalls: typeof calls = [["auth.logout"], ["auth.deleteAccount", { password }]];
      for (const [name, input] of lastCalls)
        await expectStatements(name, input, await signedInUser(server, { transport }));
      calls.push(login, ...lastCalls);
      const called = new Set([...calls.map(([name]) => name), "task.list"]);
      expect(called).toEqual(new Set(Object.keys(expectedCounts)));
    });

    test("task.list sends one statement for items, tags and total, in every order, with every filter, on a distant page and after a cursor", async () => {
      await expectStatements("task.list");
      for (const sort of givenSorts) {
        await expectStatements("task.list", {
          sort,
          limit: 100,
          status: "pending",
          priority: "medium",
          tag: "Tag 0",
        });
      }
      await expectStatements("task.list", { page: 7, limit: 100 });
      // Only tRPC has cursors, and one task has no next page.
      const { next_cursor: cursor } = await ada.page({ limit: 10 });
      expect(typeof cursor === "string").toBe(transport.name === "RPC" && taskCount > 10);
      await expectStatements("task.list", { limit: 100, ...(cursor == null ? {} : { cursor }) });
    });

    test("task.list with q sends one statement for the search, and one for the page", async () => {
      for (const sort of givenSorts) await expectStatements("task.list", { sort, q: "a" }, ada, 2);
    });
  });
});
