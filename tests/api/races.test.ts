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

const repeat = <Value>(count: number, create: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => create(index));

describe.each(transports)("over $name", (transport) => {
  const [created, deleted] = transport.name === "REST" ? ["201", "204"] : ["200", "200"];
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

  test("50 concurrent tag.create calls with one name: one succeeds, 49 return TAG_ALREADY_EXISTS, and at most one id for each connection is taken", async () => {
    const before = await ada.newTag("Before");
    const responses = await Promise.all(repeat(50, () => ada.call("tag.create", { name: "Once" })));
    expect(countOutcomes(responses)).toEqual({ [created]: 1, TAG_ALREADY_EXISTS: 49 });
    // The pool of `cloneDatabase` has 5 connections: a call takes an id only if it began before the tag was committed.
    expect((await ada.newTag("After")).id).toBeLessThanOrEqual(before.id + 5 + 1);
  });

  test("20 concurrent task.addTag calls for one task and tag: all succeed, one creates the link", async () => {
    const [{ id: task_id }, { id: tag_id }] = [await ada.newTask(), await ada.newTag("Pair")];
    const responses = await Promise.all(
      repeat(20, () => ada.call("task.addTag", { task_id, tag_id })),
    );
    expect(countOutcomes(responses)).toEqual(created === "201" ? { 201: 1, 200: 19 } : { 200: 20 });
    for (const { data } of responses) expect(data).toMatchObject({ tags: [{ id: tag_id }] });
    expect(await linksOf({ task_id })).toBe(1);
  });

  test("two concurrent tag.update calls to one name: one succeeds, one returns TAG_ALREADY_EXISTS", async () => {
    const pairs = await Promise.all(
      repeat(20, async (i) => Promise.all([ada.newTag(`One ${i}`), ada.newTag(`Other ${i}`)])),
    );
    const responses = await Promise.all(
      pairs.map((pair, i) =>
        Promise.all(
          pair.map(({ id }) => ada.call("tag.update", { tag_id: id, name: `Same ${i}` })),
        ),
      ),
    );
    for (const both of responses)
      expect(countOutcomes(both)).toEqual({ 200: 1, TAG_ALREADY_EXISTS: 1 });
  });

  test("concurrent task.patch calls for different fields: all are kept, each with its own updated_at", async () => {
    const { id: task_id } = await ada.newTask();
    const patches = [
      { title: "Patched" },
      { description: "Patched" },
      { completed: true },
      { priority: "high" },
      { due_date: "2030-01-01T00:00:00.000Z" },
      { recurrence_rule: "FREQ=DAILY" },
    ];
    const responses = await Promise.all(
      patches.map((each) => ada.call("task.patch", { task_id, ...each })),
    );
    expect(countOutcomes(responses)).toEqual({ 200: patches.length });
    expect(await ada.task(task_id)).toMatchObject(Object.assign({}, ...patches) as object);
    const updateTimes = responses.map(({ data }) => taskSchema.parse(data).updated_at);
    expect(new Set(updateTimes).size).toBe(patches.length);
  });

  /** Inserts 100 rows for the user; returns their ids. */
  const insertHundred = async (table: "tasks" | "tags"): Promise<number[]> => {
    const column = table === "tasks" ? "title" : "name";
    const rows = await server.deps.orm.em
      .fork()
      .execute<{ id: number }[]>(
        `insert into ${table} (${column}, user_id) select gen_random_uuid()::text, ? from generate_series(1, 100) returning id`,
        [ada.id],
      );
    return rows.map(({ id }) => id);
  };

  /**
   * Sends two concurrent calls for each input, in alternating order; returns the responses in the
   * order of the parameters.
   */
  const callBoth = (
    inputs: readonly object[],
    first: [name: string, fields?: object],
    second: [name: string, fields?: object],
  ): Promise<[CallResponse, CallResponse][]> =>
    Promise.all(
      inputs.map(async (input, i) => {
        const call = ([name, fields]: typeof first) => ada.call(name, { ...input, ...fields });
        const sent = i % 2 === 0 ? [call(first), call(second)] : [call(second), call(first)];
        const [one, other] = await Promise.all(i % 2 === 0 ? sent : sent.toReversed());
        if (one === undefined || other === undefined) throw new Error("No response");
        return [one, other];
      }),
    );

  /** Expects that every delete succeeds, and that the concurrent call has only the given outcomes. */
  const expectDeletes = (
    responses: readonly [CallResponse, CallResponse][],
    ...outcomes: string[]
  ) => {
    expect(countOutcomes(responses.map(([response]) => response))).toEqual({ [deleted]: 100 });
    const others = Object.keys(countOutcomes(responses.map(([, response]) => response)));
    expect(others.filter((outcome) => !outcomes.includes(outcome))).toEqual([]);
  };

  test("task.patch concurrent with task.delete: 200 or TASK_NOT_FOUND, and the delete succeeds", async () => {
    const responses = await callBoth(
      (await insertHundred("tasks")).map((task_id) => ({ task_id })),
      ["task.delete"],
      ["task.patch", { completed: true }],
    );
    expectDeletes(responses, "200", "TASK_NOT_FOUND");
  });

  test("task.addTag concurrent with tag.delete: created or TAG_NOT_FOUND, and no link remains", async () => {
    const { id: task_id } = await ada.newTask();
    const responses = await callBoth(
      (await insertHundred("tags")).map((id) => ({ task_id, tag_id: id })),
      ["tag.delete"],
      ["task.addTag"],
    );
    expectDeletes(responses, created, "TAG_NOT_FOUND");
    expect((await ada.task(task_id)).tags).toEqual([]);
    expect(await linksOf({ task_id })).toBe(0);
  });

  test("task.addTag concurrent with task.delete: created or TASK_NOT_FOUND, and no link remains", async () => {
    const { id: tag_id } = await ada.newTag("Stays");
    const responses = await callBoth(
      (await insertHundred("tasks")).map((id) => ({ task_id: id, tag_id })),
      ["task.delete"],
      ["task.addTag"],
    );
    expectDeletes(responses, created, "TASK_NOT_FOUND");
    expect(await linksOf({ tag_id })).toBe(0);
  });
});

describe("a call that fails with a database conflict (deadlock, 40P01)", () => {
  /** Calls a procedure that fails with a conflict for its first `failures` runs. */
  const callWithConflicts = async (failures: number) => {
    let runs = 0;
    const conflict = Object.assign(new Error("deadlock detected"), { code: "40P01" });
    const conflicting = router({
      attempt: publicProcedure.output(z.number()).query(() => {
        runs++;
        if (runs <= failures) throw conflict;
        return runs;
      }),
    });
    const app = await buildApp(server.deps, conflicting);
    const { statusCode, headers, json } = await app.inject("/trpc/attempt");
    await app.close();
    return { status: statusCode, retryAfter: headers["retry-after"], body: json<unknown>() };
  };

  test("succeeds with 200 after three conflicts, as it is retried", async () => {
    expect(await callWithConflicts(3)).toMatchObject({
      status: 200,
      body: { result: { data: 4 } },
    });
  });

  test("returns SERVICE_UNAVAILABLE with Retry-After after four conflicts", async () => {
    const { status, retryAfter, body } = await callWithConflicts(4);
    expect({ status, retryAfter }).toEqual({ status: 503, retryAfter: "1" });
    expect(body).toMatchObject({ error: { data: { code: "SERVICE_UNAVAILABLE" } } });
  });
});
