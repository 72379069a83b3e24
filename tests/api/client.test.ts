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

let browser: ReturnType<typeof cookieFetch>;
let client: ReturnType<typeof createClient>;
let signOuts: number;

const signIn = async (): Promise<string> => {
  const credentials = { email: `${randomUUID()}@example.com`, password: "correct horse battery" };
  await client.auth.register.mutate(credentials);
  await client.auth.login.mutate(credentials);
  return credentials.email;
};

beforeEach(() => {
  browser = cookieFetch();
  signOuts = 0;
  client = createClient({ url: server.url, fetch: browser.fetch, onSignedOut: () => signOuts++ });
});

/** Seconds until an access token has expired. */
const accessTokenLifetime = 906;
const expireAccessToken = () => server.clock.advance(accessTokenLifetime);

test("after signing in, calls succeed until the sign-out, which onSignedOut reports once", async () => {
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
  expect(signOuts).toBe(0);
  await client.auth.logout.mutate();
  expect(signOuts).toBe(1);
  await expect(client.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "MISSING_TOKEN"),
  );
});

describe("when the access token has expired", () => {
  test("25 concurrent calls renew it once, and all succeed", async () => {
    const email = await signIn();
    expireAccessToken();
    const users = await Promise.all(Array.from({ length: 25 }, () => client.auth.me.query()));
    expect(users.map((user) => user.email)).toEqual(Array(25).fill(email));
    expect(browser.count("auth.refresh")).toBe(1);
    expect(signOuts).toBe(0);
  });

  test("a mutation is repeated after the renewal, and takes effect once", async () => {
    await signIn();
    expireAccessToken();
    await client.task.create.mutate({ title: "Once" });
    expect(browser.count("task.create")).toBe(2);
    expect((await client.task.list.query()).total).toBe(1);
  });

  test("each later expiry renews it again", async () => {
    await signIn();
    for (let i = 1; i <= 2; i++) {
      expireAccessToken();
      await client.auth.me.query();
      expect(browser.count("auth.refresh")).toBe(i);
    }
  });

  test("if the refresh token has expired too, onSignedOut is called once and each call fails with TOKEN_EXPIRED", async () => {
    await signIn();
    server.clock.advance(604_800 + 6);
    const outcomes = await Promise.allSettled([client.auth.me.query(), client.tag.list.query()]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ reason: { data: { code: "TOKEN_EXPIRED" } } });
    expect(signOuts).toBe(1);
  });
});

test("a new client with the same cookie resumes the session by auth.refresh", async () => {
  const email = await signIn();
  const reloaded = createClient({ url: server.url, fetch: browser.fetch });
  await expect(reloaded.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "MISSING_TOKEN"),
  );
  await reloaded.auth.refresh.mutate();
  expect((await reloaded.auth.me.query()).email).toBe(email);
});

test("two clients that share a cookie both stay signed in over ten concurrent renewals", async () => {
  const email = await signIn();
  const tab = createClient({
    url: server.url,
    fetch: browser.fetch,
    onSignedOut: () => signOuts++,
  });
  await tab.auth.refresh.mutate();
  for (let round = 0; round < 10; round++) {
    expireAccessToken();
    const users = await Promise.all([client.auth.me.query(), tab.auth.me.query()]);
    expect(users.map((user) => user.email)).toEqual([email, email]);
  }
  expect(signOuts).toBe(0);
});

test("after another client revokes the session, calls fail and onSignedOut is called once", async () => {
  const credentials = { email: await signIn(), password: "correct horse battery" };
  const elsewhere = createClient({ url: server.url, fetch: cookieFetch().fetch });
  await elsewhere.auth.login.mutate(credentials);
  await elsewhere.auth.revokeOtherSessions.mutate();
  for (const code of ["INVALID_TOKEN", "MISSING_TOKEN"] as const)
    await expect(client.auth.me.query()).rejects.toSatisfy((error) => isApiError(error, code));
  expect(signOuts).toBe(1);
  expect((await elsewhere.auth.listSessions.query()).map(({ current }) => current)).toEqual([true]);
});

test("deleting the account calls onSignedOut once", async () => {
  await signIn();
  await client.auth.deleteAccount.mutate({ password: "correct horse battery" });
  expect(signOuts).toBe(1);
});

test("25 concurrent calls are sent in three batches", async () => {
  await signIn();
  await Promise.all(Array.from({ length: 25 }, () => client.tag.list.query()));
  expect(browser.requests.filter((path) => path.includes("tag.list"))).toHaveLength(3);
});

test("isApiError accepts only the given code, and the error has detail, field and status", async () => {
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

const isRefresh = (url: Request | URL | string): boolean =>
  (url instanceof Request ? url.url : url.toString()).includes("auth.refresh");

test("if the renewed token is rejected too, the call fails: a token is renewed once a call", async () => {
  const requests: string[] = [];
  const late = createClient({
    url: server.url,
    fetch: async (url, options) => {
      requests.push(isRefresh(url) ? "refresh" : "call");
      if (requests.length > 10) throw new Error("Too many requests");
      const response = await browser.fetch(url, options);
      if (isRefresh(url)) expireAccessToken();
      return response;
    },
  });
  const credentials = { email: `${randomUUID()}@example.com`, password: "correct horse battery" };
  await late.auth.register.mutate(credentials);
  await late.auth.login.mutate(credentials);
  expireAccessToken();
  requests.length = 0;
  await expect(late.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "TOKEN_EXPIRED"),
  );
  expect(requests).toEqual(["call", "refresh", "call"]);
});

test("if the renewal fails without a 401, the user stays signed in, and the next call renews the token", async () => {
  let fails = true;
  const flaky = createClient({
    url: server.url,
    onSignedOut: () => signOuts++,
    fetch: async (url, options) => {
      if (fails && isRefresh(url)) throw new TypeError("fetch failed");
      return browser.fetch(url, options);
    },
  });
  const credentials = { email: `${randomUUID()}@example.com`, password: "correct horse battery" };
  await flaky.auth.register.mutate(credentials);
  await flaky.auth.login.mutate(credentials);
  expireAccessToken();
  await expect(flaky.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "TOKEN_EXPIRED"),
  );
  expect(signOuts).toBe(0);
  fails = false;
  expect((await flaky.auth.me.query()).email).toBe(credentials.email);
});

test("a failed connection is no API error, and does not call onSignedOut", async () => {
  const unreachable = createClient({
    url: `http://127.0.0.1:${await freePort()}`,
    onSignedOut: () => signOuts++,
  });
  const error: unknown = await unreachable.auth.me.query().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(isApiError(error)).toBe(false);
  expect(signOuts).toBe(0);
});
