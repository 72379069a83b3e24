import { task as taskSchema } from "@taskwire/shared";
import { buildApp } from "@taskwire/server/app.ts";
import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { type CallResponse, transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe.each(transports)("over $name", (transport) => {
  const [created, gone] = transport.name === "REST" ? ["201", "204"] : ["200", "200"];
  let ada: SignedInUser;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
  });

  const linksOf = async (ids: { task_id?: number; tag_id?: number }): Promise<number> => {
    const [column = "", id] = Object.entries(ids)[0] ?? [];
    const rows = await server.deps.orm.em
      .fork()
      .execute(`select from task_tag_link where ${column} = ?`, [id]);
    return rows.length;
  };

  test("of 50 tags of one name at once, one is made", async () => {
    const answers = await Promise.all(times(50, () => ada.call("tag.create", { name: "Once" })));
    expect(countOutcomes(answers)).toEqual({ [created]: 1, TAG_ALREADY_EXISTS: 49 });
  });

  test("of 20 taggings of one pair at once, one is the first", async () => {
    const [{ id: task_id }, { id: tag_id }] = [await ada.newTask(), await ada.newTag("Pair")];
    const answers = await Promise.all(
      times(20, () => ada.call("task.addTag", { task_id, tag_id })),
    );
    expect(countOutcomes(answers)).toEqual(created === "201" ? { 201: 1, 200: 19 } : { 200: 20 });
    for (const { data } of answers) expect(data).toMatchObject({ tags: [{ id: tag_id }] });
    expect(await linksOf({ task_id })).toBe(1);
  });

  test("of two renamings to one name at once, one wins", async () => {
    const pairs = await Promise.all(
      times(20, async (i) => Promise.all([ada.newTag(`One ${i}`), ada.newTag(`Other ${i}`)])),
    );
    const answers = await Promise.all(
      pairs.map((pair, i) =>
        Promise.all(
          pair.map(({ id }) => ada.call("tag.update", { tag_id: id, name: `Same ${i}` })),
        ),
      ),
    );
    for (const both of answers)
      expect(countOutcomes(both)).toEqual({ 200: 1, TAG_ALREADY_EXISTS: 1 });
  });

  test("parallel patches of different fields are both kept", async () => {
    const { id: task_id } = await ada.newTask();
    const patches = [
      { title: "Patched" },
      { description: "Patched" },
      { completed: true },
      { priority: "high" },
      { due_date: "2030-01-01T00:00:00.000Z" },
      { recurrence_rule: "FREQ=DAILY" },
    ];
    const answers = await Promise.all(
      patches.map((each) => ada.call("task.patch", { task_id, ...each })),
    );
    expect(countOutcomes(answers)).toEqual({ 200: patches.length });
    expect(await ada.task(task_id)).toMatchObject(Object.assign({}, ...patches) as object);
    const moments = answers.map(({ data }) => taskSchema.parse(data).updated_at);
    expect(new Set(moments).size).toBe(patches.length);
  });

  /** A hundred new rows of the caller's. */
  const hundred = async (table: "tasks" | "tags"): Promise<number[]> => {
    const column = table === "tasks" ? "title" : "name";
    const rows = await server.deps.orm.em
      .fork()
      .execute<{ id: number }[]>(
        `insert into ${table} (${column}, user_id) select gen_random_uuid()::text, ? from generate_series(1, 100) returning id`,
        [ada.id],
      );
    return rows.map(({ id }) => id);
  };

  /** Two calls about the same rows at once, for each of the inputs. */
  const together = (
    inputs: readonly object[],
    first: [name: string, fields?: object],
    second: [name: string, fields?: object],
  ): Promise<[CallResponse, CallResponse][]> =>
    Promise.all(
      inputs.map(async (input, i) => {
        const call = ([name, fields]: typeof first) => ada.call(name, { ...input, ...fields });
        // Either may leave first.
        const sent = i % 2 === 0 ? [call(first), call(second)] : [call(second), call(first)];
        const [one, other] = await Promise.all(i % 2 === 0 ? sent : sent.toReversed());
        if (one === undefined || other === undefined) throw new Error("No answers");
        return [one, other];
      }),
    );

  const expectOutcomes = (answers: readonly CallResponse[], ...outcomes: string[]) => {
    const seen = Object.keys(countOutcomes(answers)).filter(
      (outcome) => !outcomes.includes(outcome),
    );
    expect(seen).toEqual([]);
  };

  test("a task that is deleted while it is patched is patched or gone", async () => {
    const answers = await together(
      (await hundred("tasks")).map((task_id) => ({ task_id })),
      ["task.delete"],
      ["task.patch", { completed: true }],
    );
    expect(countOutcomes(answers.map(([deleted]) => deleted))).toEqual({ [gone]: 100 });
    expectOutcomes(
      answers.map(([, patched]) => patched),
      "200",
      "TASK_NOT_FOUND",
    );
  });

  test("a tag that is deleted while it is given leaves no link", async () => {
    const { id: task_id } = await ada.newTask();
    const answers = await together(
      (await hundred("tags")).map((id) => ({ task_id, tag_id: id })),
      ["tag.delete"],
      ["task.addTag"],
    );
    expect(countOutcomes(answers.map(([deleted]) => deleted))).toEqual({ [gone]: 100 });
    expectOutcomes(
      answers.map(([, added]) => added),
      created,
      "TAG_NOT_FOUND",
    );
    expect((await ada.task(task_id)).tags).toEqual([]);
    expect(await linksOf({ task_id })).toBe(0);
  });

  test("a task that is deleted while it gets a tag leaves no link", async () => {
    const { id: tag_id } = await ada.newTag("Stays");
    const answers = await together(
      (await hundred("tasks")).map((id) => ({ task_id: id, tag_id })),
      ["task.delete"],
      ["task.addTag"],
    );
    expect(countOutcomes(answers.map(([deleted]) => deleted))).toEqual({ [gone]: 100 });
    expectOutcomes(
      answers.map(([, added]) => added),
      created,
      "TASK_NOT_FOUND",
    );
    expect(await linksOf({ tag_id })).toBe(0);
  });
});

describe("a call that the database gives up in favour of another", () => {
  const tryIt = async (failures: number) => {
    let calls = 0;
    const conflict = Object.assign(new Error("deadlock detected"), { code: "40P01" });
    const trying = router({
      try: publicProcedure.output(z.number()).query(() => {
        calls++;
        if (calls <= failures) throw conflict;
        return calls;
      }),
    });
    const app = await buildApp(server.deps, trying);
    const { statusCode, headers, json } = await app.inject("/trpc/try");
    await app.close();
    return { status: statusCode, after: headers["retry-after"], body: json<unknown>() };
  };

  test("is tried again, and succeeds unseen", async () => {
    expect(await tryIt(3)).toMatchObject({ status: 200, body: { result: { data: 4 } } });
  });

  test("is put off when it does not come to an end", async () => {
    const { status, after, body } = await tryIt(4);
    expect({ status, after }).toEqual({ status: 503, after: "1" });
    expect(body).toMatchObject({ error: { data: { code: "SERVICE_UNAVAILABLE" } } });
  });
});
