import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type SignedInUser,
  signedInUser,
  type Tag,
  type Task,
} from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** No row has this id. */
const absentId = 2_000_000_000;

describe.each(transports)("over $name", (transport) => {
  let ada: SignedInUser;
  let task: Task;
  let tags: [Tag, Tag];
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
    task = await ada.newTask({ title: "Tagged", due_date: "2030-01-01T00:00:00.000Z" });
    tags = [await ada.newTag("One"), await ada.newTag("Two")];
  });

  const link = (tag_id: number) => ada.call("task.addTag", { task_id: task.id, tag_id });
  const unlink = (tag_id: number) => ada.call("task.removeTag", { task_id: task.id, tag_id });

  test("addTag returns the task with its tags: 201 over REST for a new tag, 200 for one it has", async () => {
    const [one, two] = tags;
    const rest = transport.name === "REST";
    expect(await link(two.id)).toMatchObject({ status: rest ? 201 : 200 });
    const first = await link(one.id);
    expect(first).toMatchObject({ status: rest ? 201 : 200 });
    expect(first.data).toEqual({ ...task, tags });
    for (const { id } of [one, two]) {
      const again = await link(id);
      expect(again).toMatchObject({ status: 200, data: { ...task, tags } });
    }
    expect(await ada.task(task.id)).toEqual({ ...task, tags });
  });

  test("removeTag returns no body, whether or not the task has the tag; the tag can be added again", async () => {
    const [one, two] = tags;
    for (const { id } of tags) await link(id);
    for (const remaining of [[two], [two]]) {
      const response = await unlink(one.id);
      expect(response.status).toBe(transport.name === "REST" ? 204 : 200);
      expect(response.data).toBeUndefined();
      expect((await ada.task(task.id)).tags).toEqual(remaining);
    }
    expect(await link(one.id)).toMatchObject({ status: transport.name === "REST" ? 201 : 200 });
  });

  test("an updated tag has its new name and color in task.get and task.list", async () => {
    const tag = await ada.newTag("Before");
    await link(tag.id);
    await ada.call("tag.update", { tag_id: tag.id, name: "After", color: "#123456" });
    const renamed = { ...tag, name: "After", color: "#123456" };
    expect((await ada.task(task.id)).tags).toContainEqual(renamed);
    expect((await ada.page()).items[0]?.tags).toContainEqual(renamed);
  });

  test.each(["task.addTag", "task.removeTag"])(
    "%s validates both ids, then reports an unknown task before an unknown tag",
    async (procedure) => {
      const [tag] = tags;
      const call = (task_id: unknown, tag_id: unknown) => ada.call(procedure, { task_id, tag_id });
      const invalidId = transport.name === "REST" ? "x" : "1";
      expectError(await call(absentId, tag.id), 404, "TASK_NOT_FOUND");
      expectError(await call(task.id, absentId), 404, "TAG_NOT_FOUND");
      expectError(await call(absentId, absentId), 404, "TASK_NOT_FOUND");
      expectError(await call(0, -1), 404, "TASK_NOT_FOUND");
      expectError(await call(invalidId, invalidId), 422, "VALIDATION_ERROR", "task_id");
      expectError(await call(task.id, invalidId), 422, "VALIDATION_ERROR", "tag_id");
      // Validation comes before the look-up: an unknown task does not hide an invalid tag id.
      expectError(await call(absentId, invalidId), 422, "VALIDATION_ERROR", "tag_id");
    },
  );

  test("a task with 12 tags lists them by id; deleting the task keeps the tags", async () => {
    const eve = await signedInUser(server, { transport });
    const { id: task_id } = await eve.newTask();
    const created = [];
    for (let i = 0; i < 12; i++) created.push(await eve.newTag(`Tag ${12 - i}`));
    for (const { id: tag_id } of created.toReversed())
      await eve.call("task.addTag", { task_id, tag_id });
    expect((await eve.task(task_id)).tags).toEqual(created);
    await eve.call("task.delete", { task_id });
    expect((await eve.call("tag.list")).data).toEqual(created);
  });
});
