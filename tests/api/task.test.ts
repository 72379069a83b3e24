import { task as taskSchema } from "@taskwire/shared";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callerFor } from "@taskwire/server/rpc/caller.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const execute = (sql: string, values: unknown[] = []) =>
  server.deps.orm.em.fork().execute(sql, values);

const all = {
  title: "Write the report",
  description: '  All of it,\nand "more" \u{1F389}  ',
  completed: true,
  priority: "high",
  due_date: "2030-01-02T03:04:05.678Z",
  recurrence_rule: "FREQ=WEEKLY;BYDAY=MO",
};
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe.each(transports)("over $name", (transport) => {
  let ada: SignedInUser;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
  });

  test.runIf(transport.name === "REST")(
    "the id of the path beats one in the query or in the body",
    async () => {
      const [one, other] = [await ada.newTask({ title: "One" }), await ada.newTask()];
      const send = async (method: string, query: string, body?: object) => {
        const path = `/api/v1/tasks/${one.id}${query}`;
        const type = body === undefined ? {} : { "content-type": "application/json" };
        const headers = { authorization: `Bearer ${ada.token}`, ...type };
        return transport.send(server.url, { method, path, headers, body: JSON.stringify(body) });
      };
      for (const query of [`?task_id=${other.id}`, `?task_id[]=${other.id}`, "?task_id=x"]) {
        expect((await send("GET", query)).data).toMatchObject({ id: one.id, title: "One" });
        const patched = await send("PATCH", query, { task_id: other.id, completed: true });
        expect(patched.data).toMatchObject({ id: one.id, completed: true });
      }
      expect((await send("DELETE", `?task_id=${other.id}`)).status).toBe(204);
      expect(await ada.task(other.id)).toEqual(other);
    },
  );

  describe("create", () => {
    test("returns the whole task with the title trimmed and defaults for absent fields", async () => {
      const response = await ada.call("task.create", { title: "  Buy milk\u3000" });
      expect(response.status).toBe(transport.name === "REST" ? 201 : 200);
      expect(response.data).toEqual({
        id: expect.any(Number),
        title: "Buy milk",
        description: null,
        completed: false,
        priority: "medium",
        due_date: null,
        recurrence_rule: null,
        user_id: ada.id,
        created_at: expect.stringMatching(isoTime),
        updated_at: expect.stringMatching(isoTime),
        tags: [],
      });
      expect(response.headers.get("cache-control")).toBe("no-store");
    });

    test("for a deleted user takes no id: the next task gets the id after the last", async () => {
      const deleted = await signedInUser(server, { transport });
      await execute("delete from users where id = ?", [deleted.id]);
      const last = await ada.newTask();
      for (let i = 0; i < 3; i++)
        expectError(await deleted.call("task.create", all), 401, "INVALID_TOKEN");
      expect(await ada.newTask()).toMatchObject({ id: last.id + 1 });
    });

    test("accepts every field; get and list return exactly the created task", async () => {
      const { data } = await ada.call("task.create", all);
      expect(data).toMatchObject(all);
      const { id } = taskSchema.parse(data);
      expect((await ada.call("task.get", { task_id: id })).data).toEqual(data);
      expect((await ada.page({ sort: "-created_at", limit: 1 })).items).toEqual([data]);
    });

    test("accepts null for description, due_date and recurrence_rule", async () => {
      const nulls = { description: null, due_date: null, recurrence_rule: null };
      expect(await ada.newTask(nulls)).toMatchObject(nulls);
    });

    test("ignores ids, owner, timestamps, tags and unknown fields in the input", async () => {
      const other = await signedInUser(server, { transport });
      const task = await ada.newTask({
        id: 7_777_777,
        task_id: 7_777_777,
        user_id: other.id,
        created_at: "2000-01-01T00:00:00Z",
        updated_at: "2000-01-01T00:00:00Z",
        tags: [{ id: 1 }],
        nonsense: true,
      });
      expect(task).toMatchObject({ user_id: ada.id, tags: [] });
      expect(JSON.stringify(task)).not.toMatch(/7777777|2000-01-01|nonsense/);
      expect(await other.page()).toMatchObject({ total: 0 });
    });
  });

  describe("update", () => {
    const required: object = { title: "New", completed: false, priority: "low" };

    test("replaces all fields and advances updated_at; an absent nullable field becomes null", async () => {
      const { id, created_at, updated_at } = await ada.newTask(all);
      const response = await ada.call("task.update", { task_id: id, ...required });
      expect(response.status).toBe(200);
      expect(response.data).toMatchObject({
        ...required,
        id,
        description: null,
        due_date: null,
        recurrence_rule: null,
        created_at,
      });
      const changed = await ada.task(id);
      expect(response.data).toEqual(changed);
      expect(changed.updated_at > updated_at).toBe(true);
      expect((await ada.call("task.update", { task_id: id, ...all })).data).toMatchObject(all);
    });

    test.each(["title", "completed", "priority"])("without %s: VALIDATION_ERROR", async (field) => {
      const { id } = await ada.newTask();
      const response = await ada.call("task.update", {
        task_id: id,
        ...required,
        [field]: undefined,
      });
      expectError(response, 422, "VALIDATION_ERROR", field);
      expect(response.error?.detail).toBe(`${field} is required`);
    });
  });

  describe("patch", () => {
    test.each(Object.entries(all))("changes %s and updated_at alone", async (field, value) => {
      const before = await ada.newTask({ title: "Before", description: "Before" });
      const response = await ada.call("task.patch", { task_id: before.id, [field]: value });
      expect(response.status).toBe(200);
      const after = await ada.task(before.id);
      expect(response.data).toEqual(after);
      expect(after).toEqual({ ...before, [field]: value, updated_at: after.updated_at });
      expect(after.updated_at > before.updated_at).toBe(true);
    });

    test("null clears a nullable field; for the others: VALIDATION_ERROR", async () => {
      const { id } = await ada.newTask(all);
      for (const field of ["description", "due_date", "recurrence_rule"]) {
        const { data } = await ada.call("task.patch", { task_id: id, [field]: null });
        expect(data).toMatchObject({ [field]: null });
      }
      for (const field of ["title", "completed", "priority"]) {
        const response = await ada.call("task.patch", { task_id: id, [field]: null });
        expectError(response, 422, "VALIDATION_ERROR", field);
      }
    });

    test("without fields or with unknown fields only: 200, the task and updated_at unchanged", async () => {
      const before = await ada.newTask(all);
      for (const fields of [{}, { nonsense: 1, user_id: ada.id, id: 5 }]) {
        const response = await ada.call("task.patch", { task_id: before.id, ...fields });
        expect(response).toMatchObject({ status: 200, data: before });
      }
      expect(await ada.task(before.id)).toEqual(before);
    });

    test("each write advances updated_at by 1 ms when it is ahead of the clock", async () => {
      const { id } = await ada.newTask();
      // The present time would set updated_at back.
      await execute("update tasks set updated_at = '2100-01-01' where id = ?", [id]);
      for (const completed of [true, false])
        await ada.call("task.patch", { task_id: id, completed });
      await ada.call("task.update", { task_id: id, ...all });
      expect((await ada.task(id)).updated_at).toBe("2100-01-01T00:00:00.003Z");
    });

    test("patch and update keep the task's tags", async () => {
      const [{ id }, tag] = [await ada.newTask(), await ada.newTag("Kept")];
      await ada.call("task.addTag", { task_id: id, tag_id: tag.id });
      const patched = await ada.call("task.patch", { task_id: id, title: "Other" });
      expect(patched.data).toMatchObject({ tags: [tag] });
      const replaced = await ada.call("task.update", { task_id: id, ...all });
      expect(replaced.data).toMatchObject({ tags: [tag] });
    });
  });

  test("delete returns no body; then get, patch, update and delete: TASK_NOT_FOUND", async () => {
    const { id: task_id } = await ada.newTask(all);
    const response = await ada.call("task.delete", { task_id });
    expect(response.status).toBe(transport.name === "REST" ? 204 : 200);
    expect(response.data).toBeUndefined();
    for (const procedure of ["task.get", "task.patch", "task.update", "task.delete"]) {
      expectError(await ada.call(procedure, { task_id, ...all }), 404, "TASK_NOT_FOUND");
    }
  });

  describe("get, patch, update and delete", () => {
    const procedures = ["task.get", "task.patch", "task.update", "task.delete"] as const;
    const absentIds: unknown[] =
      transport.name === "REST"
        ? ["0", "-1", "-0", "2147483647", "2147483648", "9223372036854775808", `1${"0".repeat(40)}`]
        : [0, -1, 2_147_483_647, 2_147_483_648, 1e30, -1e308];
    const invalidIds: unknown[] =
      transport.name === "REST"
        ? [
            "abc",
            "1e2",
            "0x10",
            "1.0",
            "1.5",
            "+1",
            " 1",
            "1 ",
            "\u0661",
            "NaN",
            "null",
            "a".repeat(101),
          ]
        : [1.5, "1", null, true, [1], { id: 1 }, undefined];

    test.each(absentIds)("of %s, an id that no task has: TASK_NOT_FOUND", async (task_id) => {
      for (const procedure of procedures) {
        expectError(await ada.call(procedure, { task_id, ...all }), 404, "TASK_NOT_FOUND");
      }
    });

    test.each(invalidIds)(
      "of %s, not an integer: VALIDATION_ERROR before any other field",
      async (task_id) => {
        for (const procedure of procedures) {
          const response = await ada.call(procedure, { task_id, ...all, title: "" });
          expectError(response, 422, "VALIDATION_ERROR", "task_id");
        }
      },
    );
  });
});

test("REST patch takes the id from the path alone: task_id in query and body is ignored", async () => {
  const [rest] = transports;
  if (rest === undefined) throw new Error("No transport");
  const ada = await signedInUser(server);
  const [task, other] = [await ada.newTask(), await ada.newTask()];
  const { status } = await fetch(`${server.url}/api/v1/tasks/${task.id}?task_id=${other.id}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${ada.token}`, "content-type": "application/json" },
    body: JSON.stringify({ task_id: other.id, id: other.id, title: "Changed" }),
  });
  expect(status).toBe(200);
  expect(await ada.task(task.id)).toMatchObject({ title: "Changed" });
  expect(await ada.task(other.id)).toEqual(other);
});

test("direct calls treat undefined as absent: patch keeps the field, update sets it to null", async () => {
  const [transport] = transports;
  if (transport === undefined) throw new Error("No transport");
  const ada = await signedInUser(server, { transport });
  const { task } = callerFor(server.deps, ada);
  const before = await ada.newTask(all);
  const unchanged = await task.patch({ task_id: before.id, title: undefined });
  expect(unchanged).toEqual(before);
  const replaced = await task.update({
    task_id: before.id,
    title: "New",
    completed: false,
    priority: "low",
    description: undefined,
    due_date: undefined,
  });
  expect(replaced).toMatchObject({ description: null, due_date: null, recurrence_rule: null });
});
