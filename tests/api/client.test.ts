import { randomUUID } from "node:crypto";
import { createClient, isApiError } from "@taskwire/client";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cookieFetch } from "../support/client/cookie-fetch.ts";
import { freePort } from "../support/process/free-port.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

let web: ReturnType<typeof cookieFetch>;
let client: ReturnType<typeof createClient>;
let signedOut: number;

const signIn = async (): Promise<string> => {
  const credentials = { email: `${randomUUID()}@example.com`, password: "correct horse battery" };
  await client.auth.register.mutate(credentials);
  await client.auth.login.mutate(credentials);
  return credentials.email;
};

beforeEach(() => {
  web = cookieFetch();
  signedOut = 0;
  client = createClient({ url: server.url, fetch: web.fetch, onSignedOut: () => signedOut++ });
});

const expired = () => server.clock.advance(906);

test("signs in, works, and signs out", async () => {
  const email = await signIn();
  expect((await client.auth.me.query()).email).toBe(email);
  const task = await client.task.create.mutate({ title: "Write the report", priority: "high" });
  const tag = await client.tag.create.mutate({ name: "Work" });
  await client.task.addTag.mutate({ task_id: task.id, tag_id: tag.id });
  const { items, total, next_cursor } = await client.task.list.query();
  expect({ items, total, next_cursor }).toMatchObject({
    items: [{ id: task.id, tags: [tag] }],
    total: 1,
    next_cursor: null,
  });
  await client.task.delete.mutate({ task_id: task.id });
  expect(signedOut).toBe(0);
  await client.auth.logout.mutate();
  expect(signedOut).toBe(1);
  await expect(client.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "MISSING_TOKEN"),
  );
});

describe("when the access token has expired", () => {
  test("many calls at once renew it once, and are all answered", async () => {
    const email = await signIn();
    expired();
    const answers = await Promise.all(Array.from({ length: 25 }, () => client.auth.me.query()));
    expect(answers.map((answer) => answer.email)).toEqual(Array(25).fill(email));
    expect(web.count("auth.refresh")).toBe(1);
    expect(signedOut).toBe(0);
  });

  test("a call that changes something is made once", async () => {
    await signIn();
    expired();
    await client.task.create.mutate({ title: "Once" });
    expect((await client.task.list.query()).total).toBe(1);
  });

  test("it is renewed again the next time", async () => {
    await signIn();
    for (let i = 1; i <= 2; i++) {
      expired();
      await client.auth.me.query();
      expect(web.count("auth.refresh")).toBe(i);
    }
  });

  test("a refusal of the refresh is told once, and each call gets its own error", async () => {
    await signIn();
    server.clock.advance(604_800 + 6);
    const answers = await Promise.allSettled([client.auth.me.query(), client.tag.list.query()]);
    for (const answer of answers)
      expect(answer).toMatchObject({ reason: { data: { code: "TOKEN_EXPIRED" } } });
    expect(signedOut).toBe(1);
  });
});

test("a loaded page takes up the session from its cookie", async () => {
  const email = await signIn();
  const reloaded = createClient({ url: server.url, fetch: web.fetch });
  await expect(reloaded.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "MISSING_TOKEN"),
  );
  await reloaded.auth.refresh.mutate();
  expect((await reloaded.auth.me.query()).email).toBe(email);
});

test("two tabs that share the cookie sign each other out never", async () => {
  const email = await signIn();
  const tab = createClient({ url: server.url, fetch: web.fetch, onSignedOut: () => signedOut++ });
  await tab.auth.refresh.mutate();
  for (let round = 0; round < 10; round++) {
    server.clock.advance(906);
    const answers = await Promise.all([client.auth.me.query(), tab.auth.me.query()]);
    expect(answers.map((answer) => answer.email)).toEqual([email, email]);
  }
  expect(signedOut).toBe(0);
});

test("a session that was ended elsewhere is over, which is told once", async () => {
  const credentials = { email: await signIn(), password: "correct horse battery" };
  const elsewhere = createClient({ url: server.url, fetch: cookieFetch().fetch });
  await elsewhere.auth.login.mutate(credentials);
  await elsewhere.auth.revokeOtherSessions.mutate();
  for (const code of ["INVALID_TOKEN", "MISSING_TOKEN"] as const)
    await expect(client.auth.me.query()).rejects.toSatisfy((error) => isApiError(error, code));
  expect(signedOut).toBe(1);
  expect((await elsewhere.auth.listSessions.query()).map(({ current }) => current)).toEqual([true]);
});

test("deleting the account signs out", async () => {
  await signIn();
  await client.auth.deleteAccount.mutate({ password: "correct horse battery" });
  expect(signedOut).toBe(1);
});

test("more calls than a batch may hold go in several", async () => {
  await signIn();
  await Promise.all(Array.from({ length: 25 }, () => client.tag.list.query()));
  expect(web.requests.filter((path) => path.includes("tag.list"))).toHaveLength(3);
});

test("errors narrow to the table's codes, with the field", async () => {
  await signIn();
  const error: unknown = await client.task.create
    .mutate({ title: "" })
    .catch((reason: unknown) => reason);
  expect(isApiError(error, "TAG_NOT_FOUND")).toBe(false);
  expect(isApiError(error, "INVALID_TITLE") && error.data).toEqual({
    code: "INVALID_TITLE",
    detail: "Title is required and must be 1-200 characters",
    field: "title",
    httpStatus: 400,
  });
});

test("a network that is away is no refusal, and signs nobody out", async () => {
  const away = createClient({
    url: `http://127.0.0.1:${await freePort()}`,
    onSignedOut: () => signedOut++,
  });
  const error: unknown = await away.auth.me.query().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(isApiError(error)).toBe(false);
  expect(signedOut).toBe(0);
});
