import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type SignedInUser,
  signedInUser,
  type Tag,
  type Task,
} from "../support/client/signed-in-user.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";
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

  /** Creates a task and so many tags, of which the task has the first `linked`. Returns the ids. */
  const newTaskWithTags = async (linked: number, count: number) => {
    const eve = await signedInUser(server, { transport });
    const { id: task_id } = await eve.newTask({ title: "Full" });
    const em = server.deps.orm.em.fork();
    const rows = await em.execute<{ id: number }[]>(
      "insert into tags (name, user_id) select 'Tag ' || i, ? from generate_series(1, ?::integer) i returning id",
      [eve.id, count],
    );
    const tagIds = rows.map(({ id }) => id).toSorted((a, b) => a - b);
    await em.execute(
      "insert into task_tag_link select ?, id from tags where user_id = ? order by id limit ?",
      [task_id, eve.id, linked],
    );
    const add = (tag_id: number | undefined) => eve.call("task.addTag", { task_id, tag_id });
    const tagsOf = async () => (await eve.task(task_id)).tags.map(({ id }) => id);
    return { eve, task_id, tagIds, add, tagsOf };
  };

  test("the 101st tag of a task returns VALIDATION_ERROR; a tag that the task has returns 200", async () => {
    const { eve, task_id, tagIds, add, tagsOf } = await newTaskWithTags(99, 101);
    const created = transport.name === "REST" ? 201 : 200;
    expect((await add(tagIds[99])).status).toBe(created);
    const rejected = await add(tagIds[100]);
    expectError(rejected, 422, "VALIDATION_ERROR", "tag_id");
    expect(rejected.error?.detail).toBe("tag_id cannot be added: a task has at most 100 tags");
    expect((await add(tagIds[99])).status).toBe(200);
    expect(await tagsOf()).toEqual(tagIds.slice(0, 100));
    expectError(await add(absentId), 404, "TAG_NOT_FOUND");
    await eve.call("task.removeTag", { task_id, tag_id: tagIds[0] });
    expect((await add(tagIds[100])).status).toBe(created);
    expect(await tagsOf()).toEqual(tagIds.slice(1));
  });

  test("a task that already has 120 tags shows them all, and gets no other", async () => {
    const { tagIds, add, tagsOf } = await newTaskWithTags(120, 121);
    expect(await tagsOf()).toEqual(tagIds.slice(0, 120));
    expect((await add(tagIds[0])).status).toBe(200);
    expectError(await add(tagIds[120]), 422, "VALIDATION_ERROR", "tag_id");
  });

  test("20 concurrent addTag calls for a task with 95 tags: five succeed, and it has 100", async () => {
    const { tagIds, add, tagsOf } = await newTaskWithTags(95, 115);
    const responses = await Promise.all(tagIds.slice(95).map(add));
    const created = transport.name === "REST" ? "201" : "200";
    expect(countOutcomes(responses)).toEqual({ [created]: 5, VALIDATION_ERROR: 15 });
    expect((await tagsOf()).length).toBe(100);
  });

  test("concurrent addTag calls for the last two of 100 tags, ten for each: all succeed", async () => {
    const { tagIds, add, tagsOf } = await newTaskWithTags(98, 100);
    const lastTwo = tagIds.slice(98);
    const calls = Array.from({ length: 10 }, () => lastTwo).flat();
    const responses = await Promise.all(calls.map(add));
    expect(countOutcomes(responses)).toEqual(
      transport.name === "REST" ? { 201: 2, 200: 18 } : { 200: 20 },
    );
    expect(await tagsOf()).toEqual(tagIds);
  });

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
