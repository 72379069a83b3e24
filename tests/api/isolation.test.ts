import type { ErrorCode } from "@taskwire/shared";
import { metaOf } from "@taskwire/server/rpc/meta.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type SignedInUser,
  signedInUser,
  type Tag,
  type Task,
} from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, transports } from "../support/client/transports.ts";
import { required } from "../support/setup/required.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

type IdField = "task_id" | "tag_id" | "session_id";
/**
 * The error code for an id that no row has; undefined if the procedure then succeeds, as with an
 * existing id.
 */
const notFoundCodes: Record<IdField, ErrorCode | undefined> = {
  task_id: "TASK_NOT_FOUND",
  tag_id: "TAG_NOT_FOUND",
  session_id: undefined,
};

/** For each procedure with an id in its input: the payloads that another user sends beside the ids. */
const payloadsByProcedure: Record<string, { valid: object[]; invalid: [object, ErrorCode][] }> = {
  "auth.revokeSession": { valid: [{}], invalid: [] },
  "task.get": { valid: [{}], invalid: [] },
  "task.update": {
    valid: [{ title: "Stolen", completed: true, priority: "low" }],
    invalid: [
      [{}, "VALIDATION_ERROR"],
      [{ title: "", completed: true, priority: "low" }, "INVALID_TITLE"],
      [
        { title: "A", completed: true, priority: "low", recurrence_rule: "x" },
        "INVALID_RECURRENCE_RULE",
      ],
    ],
  },
  "task.patch": {
    valid: [{}, { title: "Stolen" }, { completed: true, due_date: null, description: "Stolen" }],
    invalid: [
      [{ title: null }, "VALIDATION_ERROR"],
      [{ priority: "urgent" }, "INVALID_PRIORITY"],
      [{ due_date: "now" }, "INVALID_DUE_DATE"],
      [{ recurrence_rule: "x" }, "INVALID_RECURRENCE_RULE"],
    ],
  },
  "task.delete": { valid: [{}], invalid: [] },
  "task.addTag": { valid: [{}], invalid: [] },
  "task.removeTag": { valid: [{}], invalid: [] },
  "tag.update": {
    valid: [{ name: "Stolen" }, { name: "Secret" }, { name: "Own", color: "#000000" }],
    invalid: [
      [{}, "VALIDATION_ERROR"],
      [{ name: " " }, "INVALID_TAG_NAME"],
      [{ name: "A", color: "red" }, "INVALID_COLOR"],
    ],
  },
  "tag.delete": { valid: [{}], invalid: [] },
};

/** Valid inputs for each protected procedure without an id in its input. */
const inputsWithoutIds: Record<string, object[]> = {
  "auth.me": [{}],
  "auth.listSessions": [{}],
  "auth.revokeOtherSessions": [{}],
  "auth.changePassword": [{ current_password: "correct horse battery", new_password: "new horse" }],
  "auth.deleteAccount": [{ password: "correct horse battery" }],
  "task.create": [{ title: "A task" }],
  "task.list": [{}, { q: "x" }, { tag: "1" }, { sort: "title" }],
  "tag.create": [{ name: "A tag" }],
  "tag.list": [{}],
};

const router: AnyTRPCRouter = appRouter;
// Safe: tRPC keys the procedures of a router by their full path.
const procedures = Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>);

/** Returns the id fields of a procedure's input. */
const idFieldsOf = (procedure: AnyTRPCProcedure): string[] => {
  // Not in tRPC's public types; the check below rejects an input that is not a zod object.
  const { inputs } = procedure._def as unknown as { inputs: unknown[] };
  return inputs.flatMap((input) => {
    const schema = input instanceof z.ZodPrefault ? input.unwrap() : input;
    if (!(schema instanceof z.ZodObject)) throw new TypeError("An input is not a zod object");
    return Object.keys(schema.shape).filter((name) => name.endsWith("_id"));
  });
};

const isProtected = (procedure: AnyTRPCProcedure): boolean => metaOf(procedure).auth === "access";

test("the tables of this file list every procedure: with ids, protected without ids, or public", () => {
  const withIds = procedures.filter(([, procedure]) => idFieldsOf(procedure).length > 0);
  expect(withIds.map(([name]) => name)).toEqual(Object.keys(payloadsByProcedure));
  for (const [, procedure] of withIds) {
    expect(Object.keys(notFoundCodes)).toEqual(expect.arrayContaining(idFieldsOf(procedure)));
    expect(isProtected(procedure)).toBe(true);
  }
  const publicNames = procedures
    .filter(([, procedure]) => !isProtected(procedure))
    .map(([name]) => name);
  expect(publicNames).toEqual(["auth.register", "auth.login", "auth.refresh", "auth.logout"]);
  const listed = [
    ...Object.keys(payloadsByProcedure),
    ...Object.keys(inputsWithoutIds),
    ...publicNames,
  ];
  expect(procedures.map(([name]) => name).toSorted()).toEqual(listed.toSorted());
});

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const execute = (sql: string, values: unknown[] = []) =>
  server.deps.orm.em.fork().execute<{ text: string }[]>(sql, values);

/** Returns all rows of all tables as one text. */
const databaseSnapshot = async (): Promise<string> => {
  const all = (table: string) => `(select json_agg(t order by t::text) from ${table} t)`;
  const [row] = await execute(
    `select json_build_array(${["users", "sessions", "tasks", "tags", "task_tag_link"].map(all).join()})::text as text`,
  );
  return required(row, "the rows").text;
};

/** Returns the parts of a response that could reveal whether a row exists. */
const observableParts = ({ status, text, headers }: CallResponse) => ({
  status,
  text,
  headers: [...headers.keys()],
});

/** Ids that no row has. */
const unusedIds = {
  task_id: 2_000_000_000,
  tag_id: 2_000_000_000,
  session_id: "00000000-0000-4000-8000-000000000000",
};

describe.each(transports)("over $name", (transport) => {
  let victim: SignedInUser;
  let attacker: SignedInUser;
  let secret: { task: Task; tag: Tag };
  let victimIds: Record<IdField, number | string>;
  let ownIds: typeof victimIds & { task_id: number };
  beforeAll(async () => {
    victim = await signedInUser(server, { transport });
    attacker = await signedInUser(server, { transport });
    const createTaggedTask = async (actor: SignedInUser, title: string, name: string) => {
      const task = await actor.newTask({ title, description: "Private business" });
      const tag = await actor.newTag(name);
      await actor.call("task.addTag", { task_id: task.id, tag_id: tag.id });
      return { task, tag };
    };
    secret = await createTaggedTask(victim, "The secret", "Secret");
    const { task, tag } = await createTaggedTask(attacker, "My own", "Own");
    const sessionOf = ({ token }: SignedInUser) => String(decodeJwt(token)["sid"]);
    victimIds = {
      task_id: secret.task.id,
      tag_id: secret.tag.id,
      session_id: sessionOf(victim),
    };
    ownIds = { task_id: task.id, tag_id: tag.id, session_id: sessionOf(attacker) };
  });

  describe.each(Object.entries(payloadsByProcedure))("%s", (name, { valid, invalid }) => {
    const fields = procedures
      .filter(([each]) => each === name)
      .flatMap(([, procedure]) => idFieldsOf(procedure))
      .filter((field): field is IdField => field in notFoundCodes);
    // Each id alone from the victim with the rest from the attacker, and all ids from the victim.
    const choices = [...fields.map((field) => [field]), ...(fields.length > 1 ? [fields] : [])];

    test.each(choices.map((foreign) => [foreign.join(" and "), foreign] as const))(
      "with another user's %s: same response as for an unused id, and no row changes",
      async (_, foreign) => {
        const before = await databaseSnapshot();
        const pick = (from: typeof victimIds) =>
          Object.fromEntries(
            fields.map((field) => [field, (foreign.includes(field) ? from : ownIds)[field]]),
          );
        const notFound = notFoundCodes[required(foreign[0], "an id")];
        const payloads = [...valid.map((payload) => [payload, notFound] as const), ...invalid];
        for (const [payload, code] of payloads) {
          const response = await attacker.call(name, { ...pick(victimIds), ...payload });
          const responseForUnusedId = await attacker.call(name, { ...pick(unusedIds), ...payload });
          expect(observableParts(response)).toEqual(observableParts(responseForUnusedId));
          expect(response.error?.code).toBe(code);
        }
        expect(await databaseSnapshot()).toBe(before);
      },
    );
  });

  test("lists, filters and searches return only the caller's own rows", async () => {
    const { task, tag } = secret;
    for (const input of [
      { tag: "Secret" },
      { tag: String(tag.id) },
      { q: "secret" },
      { q: "business", tag: "Secret" },
    ]) {
      expect(await attacker.page(input)).toMatchObject({ items: [], total: 0, pages: 0 });
    }
    const mine = {
      items: [{ id: ownIds.task_id, tags: [{ id: ownIds.tag_id }] }],
      total: 1,
      pages: 1,
    };
    for (const input of [{}, { q: "business" }, { sort: "-title" }, { tag: "Own" }, { limit: 1 }]) {
      expect(await attacker.page(input)).toMatchObject(mine);
    }
    expect((await attacker.call("tag.list")).data).toMatchObject([{ id: ownIds.tag_id }]);
    expect(await victim.page({ tag: "Secret" })).toMatchObject({ items: [{ id: task.id }] });
  });

  test("reading every task id returns only the caller's own task, and 404 for the rest", async () => {
    const readable = [];
    const statuses = new Set<number>();
    for (let task_id = 1; task_id <= Math.max(ownIds.task_id, secret.task.id) + 1; task_id++) {
      const { status, data } = await attacker.call("task.get", { task_id });
      statuses.add(status);
      if (data !== undefined) readable.push(data);
    }
    expect(statuses).toEqual(new Set([200, 404]));
    expect(readable).toMatchObject([{ id: ownIds.task_id }]);
  });

  const protectedCalls = [
    ...Object.entries(payloadsByProcedure).flatMap(([name, { valid }]) =>
      valid.map((each) => [name, each] as const),
    ),
    ...Object.entries(inputsWithoutIds).flatMap(([name, inputs]) =>
      inputs.map((each) => [name, each] as const),
    ),
  ];

  test("protected procedures return MISSING_TOKEN without a token, also for invalid input", async () => {
    for (const [name] of protectedCalls)
      for (const input of [{}, { task_id: "x", tag_id: "x", title: 5, page: "x" }]) {
        const response = await transport.call(server.url, name, input);
        expectError(response, 401, "MISSING_TOKEN");
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
      }
  });

  test("protected procedures return INVALID_TOKEN for the token of a deleted user, and change no row", async () => {
    const deletedUser = await signedInUser(server, { transport });
    const [task, tag] = [await deletedUser.newTask(), await deletedUser.newTag()];
    await execute("delete from users where id = ?", [deletedUser.id]);
    const before = await databaseSnapshot();
    const deletedUserIds = { task_id: task.id, tag_id: tag.id, session_id: unusedIds.session_id };
    for (const ids of [deletedUserIds, victimIds, unusedIds])
      for (const [name, payload] of protectedCalls) {
        const takesIds = name in payloadsByProcedure;
        const response = await deletedUser.call(name, { ...(takesIds ? ids : {}), ...payload });
        expect({ name, status: response.status, code: response.error?.code }).toEqual({
          name,
          status: 401,
          code: "INVALID_TOKEN",
        });
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
      }
    expect(await databaseSnapshot()).toBe(before);
  });
});
