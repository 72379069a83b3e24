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
import { startServer, type TestServer } from "../support/setup/server.ts";

type IdField = "task_id" | "tag_id" | "session_id";
/** What is answered where there is none; undefined, as where there is one. */
const absent: Record<IdField, ErrorCode | undefined> = {
  task_id: "TASK_NOT_FOUND",
  tag_id: "TAG_NOT_FOUND",
  session_id: undefined,
};

/** How a stranger calls what takes an id: beside the ids, payloads that are valid, and payloads that are not. */
const entries: Record<string, { valid: object[]; invalid: object[] }> = {
  "auth.revokeSession": { valid: [{}], invalid: [] },
  "task.get": { valid: [{}], invalid: [] },
  "task.update": {
    valid: [{ title: "Stolen", completed: true, priority: "low" }],
    invalid: [
      {},
      { title: "" },
      { title: "A", completed: true, priority: "low", recurrence_rule: "x" },
    ],
  },
  "task.patch": {
    valid: [{}, { title: "Stolen" }, { completed: true, due_date: null, description: "Stolen" }],
    invalid: [
      { title: null },
      { priority: "urgent" },
      { due_date: "now" },
      { recurrence_rule: "x" },
    ],
  },
  "task.delete": { valid: [{}], invalid: [] },
  "task.addTag": { valid: [{}], invalid: [] },
  "task.removeTag": { valid: [{}], invalid: [] },
  "tag.update": {
    valid: [{ name: "Stolen" }, { name: "Secret" }, { name: "Own", color: "#000000" }],
    invalid: [{}, { name: " " }, { name: "A", color: "red" }],
  },
  "tag.delete": { valid: [{}], invalid: [] },
};

/** The same for what is protected and takes none. */
const withoutIds: Record<string, object[]> = {
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
// A router lists its procedures under their paths, whatever its own type says in full.
const procedures = Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>);

/** The fields of a procedure's input that name a row. */
const idFieldsOf = (procedure: AnyTRPCProcedure): string[] => {
  // Not part of tRPC's public types; whoever takes something else than zod objects fails here.
  const { inputs } = procedure._def as unknown as { inputs: unknown[] };
  return inputs.flatMap((input) => {
    const schema = input instanceof z.ZodPrefault ? input.unwrap() : input;
    if (!(schema instanceof z.ZodObject)) throw new TypeError("An input that is no zod object");
    return Object.keys(schema.shape).filter((name) => name.endsWith("_id"));
  });
};

const isProtected = (procedure: AnyTRPCProcedure): boolean => metaOf(procedure).auth === "access";

test("whatever takes an id is called by a stranger below, and whatever is protected is called", () => {
  const takingIds = procedures.filter(([, procedure]) => idFieldsOf(procedure).length > 0);
  expect(takingIds.map(([name]) => name)).toEqual(Object.keys(entries));
  for (const [, procedure] of takingIds) {
    expect(Object.keys(absent)).toEqual(expect.arrayContaining(idFieldsOf(procedure)));
    expect(isProtected(procedure)).toBe(true);
  }
  const open = procedures.filter(([, procedure]) => !isProtected(procedure)).map(([name]) => name);
  expect(open).toEqual(["auth.register", "auth.login", "auth.refresh", "auth.logout"]);
  const called = [...Object.keys(entries), ...Object.keys(withoutIds), ...open];
  expect(procedures.map(([name]) => name).toSorted()).toEqual(called.toSorted());
});

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const execute = (sql: string, values: unknown[] = []) =>
  server.deps.orm.em.fork().execute<{ text: string }[]>(sql, values);

/** Everything that anybody owns. */
const everything = async (): Promise<string | undefined> => {
  const all = (table: string) => `(select json_agg(t order by t::text) from ${table} t)`;
  const [row] = await execute(
    `select json_build_array(${["users", "sessions", "tasks", "tags", "task_tag_link"].map(all).join()})::text as text`,
  );
  return row?.text;
};

/** All of an answer that a caller could tell it by. */
const looksOf = ({ status, text, headers }: CallResponse) => ({
  status,
  text,
  headers: [...headers.keys()],
});

/** Ids that no row has. */
const nobodys = {
  task_id: 2_000_000_000,
  tag_id: 2_000_000_000,
  session_id: "00000000-0000-4000-8000-000000000000",
};

describe.each(transports)("over $name", (transport) => {
  let victim: SignedInUser;
  let stranger: SignedInUser;
  let secret: { task: Task; tag: Tag };
  let victims: Record<IdField, number | string>;
  let own: typeof victims & { task_id: number };
  beforeAll(async () => {
    victim = await signedInUser(server, { transport });
    stranger = await signedInUser(server, { transport });
    const make = async (actor: SignedInUser, title: string, name: string) => {
      const task = await actor.newTask({ title, description: "Nobody's business" });
      const tag = await actor.newTag(name);
      await actor.call("task.addTag", { task_id: task.id, tag_id: tag.id });
      return { task, tag };
    };
    secret = await make(victim, "The secret", "Secret");
    const { task, tag } = await make(stranger, "My own", "Own");
    const sessionOf = ({ token }: SignedInUser) => String(decodeJwt(token)["sid"]);
    victims = {
      task_id: secret.task.id,
      tag_id: secret.tag.id,
      session_id: sessionOf(victim),
    };
    own = { task_id: task.id, tag_id: tag.id, session_id: sessionOf(stranger) };
  });

  describe.each(Object.entries(entries))("%s", (name, { valid, invalid }) => {
    const fields = procedures
      .filter(([each]) => each === name)
      .flatMap(([, procedure]) => idFieldsOf(procedure))
      .filter((field): field is IdField => field in absent);
    // One id of another's and the rest the stranger's own, and all of another's.
    const choices = [...fields.map((field) => [field]), ...(fields.length > 1 ? [fields] : [])];

    test.each(choices)("tells nothing of another's %s %s", async (...foreign) => {
      const before = await everything();
      const pick = (from: typeof victims) =>
        Object.fromEntries(
          fields.map((field) => [field, (foreign.includes(field) ? from : own)[field]]),
        );
      for (const payload of [...valid, ...invalid]) {
        const theirs = await stranger.call(name, { ...pick(victims), ...payload });
        const missing = await stranger.call(name, { ...pick(nobodys), ...payload });
        expect(looksOf(theirs)).toEqual(looksOf(missing));
        const [first = "task_id"] = foreign;
        const isInvalid = invalid.includes(payload);
        expect([isInvalid, theirs.error?.code]).toContain(isInvalid || absent[first]);
      }
      expect(await everything()).toBe(before);
    });
  });

  test("lists, filters and searches find one's own only", async () => {
    const { task, tag } = secret;
    for (const input of [
      { tag: "Secret" },
      { tag: String(tag.id) },
      { q: "secret" },
      { q: "business", tag: "Secret" },
    ]) {
      expect(await stranger.page(input)).toMatchObject({ items: [], total: 0, pages: 0 });
    }
    const mine = { items: [{ id: own.task_id, tags: [{ id: own.tag_id }] }], total: 1, pages: 1 };
    for (const input of [{}, { q: "business" }, { sort: "-title" }, { tag: "Own" }, { limit: 1 }]) {
      expect(await stranger.page(input)).toMatchObject(mine);
    }
    expect((await stranger.call("tag.list")).data).toMatchObject([{ id: own.tag_id }]);
    expect(await victim.page({ tag: "Secret" })).toMatchObject({ items: [{ id: task.id }] });
  });

  test("a walk over all ids finds one's own only", async () => {
    const found = [];
    const statuses = new Set<number>();
    for (let task_id = 1; task_id <= Math.max(own.task_id, secret.task.id) + 1; task_id++) {
      const { status, data } = await stranger.call("task.get", { task_id });
      statuses.add(status);
      if (data !== undefined) found.push(data);
    }
    expect(statuses).toEqual(new Set([200, 404]));
    expect(found).toMatchObject([{ id: own.task_id }]);
  });

  const protectedCalls = [
    ...Object.entries(entries).flatMap(([name, { valid }]) =>
      valid.map((each) => [name, each] as const),
    ),
    ...Object.entries(withoutIds).flatMap(([name, inputs]) =>
      inputs.map((each) => [name, each] as const),
    ),
  ];

  test("nothing protected is answered without a token, however wrong the input", async () => {
    for (const [name] of protectedCalls)
      for (const input of [{}, { task_id: "x", tag_id: "x", title: 5, page: "x" }]) {
        const answer = await transport.call(server.url, name, input);
        expectError(answer, 401, "MISSING_TOKEN");
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
  });

  test("the token of a user who is no more is refused by all that is protected", async () => {
    const gone = await signedInUser(server, { transport });
    const [task, tag] = [await gone.newTask(), await gone.newTag()];
    await execute("delete from users where id = ?", [gone.id]);
    const before = await everything();
    const gones = { task_id: task.id, tag_id: tag.id, session_id: nobodys.session_id };
    for (const ids of [gones, victims, nobodys])
      for (const [name, payload] of protectedCalls) {
        const takesIds = name in entries;
        const answer = await gone.call(name, { ...(takesIds ? ids : {}), ...payload });
        expect({ name, status: answer.status, code: answer.error?.code }).toEqual({
          name,
          status: 401,
          code: "INVALID_TOKEN",
        });
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
    expect(await everything()).toBe(before);
  });
});
