import { randomUUID } from "node:crypto";
import {
  type AppRouter,
  type Client,
  createClient,
  createSession,
  isApiError,
  isNetworkError,
  retryDelay,
  SessionError,
  sessionHeaders,
  shouldRetry,
} from "@taskwire/client";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { cookieFetch, addressOf } from "../support/client/cookie-fetch.ts";
import { freePort } from "../support/process/free-port.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

let browser: ReturnType<typeof cookieFetch>;
let client: Client;
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
    expect(client.session).toMatchObject({ status: "signedOut", user: undefined });
    expect(signOuts).toBe(1);
  });
});

describe("a new client with the cookie of a session", () => {
  let reloaded: Client;
  beforeEach(async () => {
    await signIn();
    reloaded = createClient({ url: server.url, fetch: browser.fetch });
  });

  test("restores the session at the first call, once for all calls", async () => {
    expect(reloaded.session.status).toBe("restoring");
    const [user] = await Promise.all([reloaded.auth.me.query(), reloaded.tag.list.query()]);
    expect(browser.count("auth.refresh")).toBe(1);
    await expect.poll(() => reloaded.session.status).toBe("signedIn");
    expect(reloaded.session.user).toEqual(user);
  });

  test("restores the session when something listens to it", async () => {
    const statuses: string[] = [];
    reloaded.session.subscribe(() => statuses.push(reloaded.session.getSnapshot().status));
    await expect.poll(() => reloaded.session.status).toBe("signedIn");
    expect(statuses.at(-1)).toBe("signedIn");
    expect(statuses).not.toContain("signedOut");
  });

  test("makes no second request for an explicit refresh while it restores the session", async () => {
    const [token] = await Promise.all([reloaded.auth.refresh.mutate(), reloaded.tag.list.query()]);
    expect(token.token_type).toBe("bearer");
    expect(browser.count("auth.refresh")).toBe(1);
  });

  test("does not restore a session before a sign-in", async () => {
    const credentials = { email: `${randomUUID()}@example.com`, password: "correct horse battery" };
    const user = await reloaded.session.signUp({ ...credentials, name: "Ada" });
    expect(user).toMatchObject({ email: credentials.email, name: "Ada" });
    expect(browser.count("auth.refresh")).toBe(0);
  });
});

test("without a cookie, the session is signed out after the first call, and onSignedOut is not called", async () => {
  await expect(client.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "MISSING_TOKEN"),
  );
  expect(client.session).toMatchObject({ status: "signedOut", user: undefined });
  expect(signOuts).toBe(0);
});

test("getSnapshot returns one object until something changes", async () => {
  await signIn();
  await client.session.restore();
  const snapshot = client.session.getSnapshot();
  expect(snapshot.status).toBe("signedIn");
  expireAccessToken();
  await client.auth.me.query();
  expect(client.session.getSnapshot()).toBe(snapshot);
  await client.session.signOut();
  expect(client.session.getSnapshot()).toEqual({ status: "signedOut" });
});

test("a token is renewed shortly before it expires, by the first call after that time", async () => {
  await signIn();
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + (900 - 61) * 1000);
  await client.tag.list.query();
  expect(browser.count("auth.refresh")).toBe(0);
  vi.setSystemTime(Date.now() + 2000);
  await Promise.all([client.tag.list.query(), client.auth.me.query()]);
  expect(browser.count("auth.refresh")).toBe(1);
});

test("two clients that share a cookie both stay signed in over ten concurrent renewals", async () => {
  const email = await signIn();
  const tab = createClient({
    url: server.url,
    fetch: browser.fetch,
    onSignedOut: () => signOuts++,
  });
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

test("the account can be deleted with an expired access token", async () => {
  await signIn();
  expireAccessToken();
  await client.auth.deleteAccount.mutate({ password: "correct horse battery" });
  expect(client.session.status).toBe("signedOut");
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  await signIn();
  vi.setSystemTime(Date.now() + 3_600_000);
  await client.auth.deleteAccount.mutate({ password: "correct horse battery" });
  expect(signOuts).toBe(2);
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

const isRefresh = (url: Request | URL | string): boolean => addressOf(url).includes("auth.refresh");

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

describe("if the renewal fails without a 401,", () => {
  const failures = {
    "a failed connection": () => Promise.reject(new TypeError("fetch failed")),
    "a response of an unavailable server": async () =>
      Response.json(
        [
          {
            error: {
              message: "Service temporarily unavailable",
              code: -32_603,
              data: {
                code: "SERVICE_UNAVAILABLE",
                detail: "Service temporarily unavailable",
                httpStatus: 503,
                retryAfter: 7,
              },
            },
          },
        ],
        { status: 503 },
      ),
  };

  test.each(Object.entries(failures))(
    "here by %s, the call fails with a SessionError, the user stays signed in, and the next call renews the token",
    async (name, failure) => {
      let fails = true;
      const flaky = createClient({
        url: server.url,
        onSignedOut: () => signOuts++,
        fetch: (url, options) =>
          fails && isRefresh(url) ? failure() : browser.fetch(url, options),
      });
      const credentials = {
        email: `${randomUUID()}@example.com`,
        password: "correct horse battery",
      };
      const user = await flaky.session.signUp(credentials);
      expireAccessToken();
      const error: unknown = await flaky.auth.me.query().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(SessionError);
      expect(error).toMatchObject({ reason: "notRenewed" });
      expect(isApiError(error)).toBe(false);
      expect(isNetworkError(error)).toBe(name === "a failed connection");
      expect(shouldRetry(0, error)).toBe(true);
      expect(retryDelay(0, error)).toBe(name === "a failed connection" ? 1000 : 7000);
      expect(flaky.session).toMatchObject({ status: "signedIn", user });
      expect(signOuts).toBe(0);
      fails = false;
      expect((await flaky.auth.me.query()).email).toBe(credentials.email);
    },
  );
});

test("a refresh without a response ends at its time limit as a network error, and the next call tries again", async () => {
  const limit = new AbortController();
  vi.spyOn(AbortSignal, "timeout").mockReturnValueOnce(limit.signal);
  onTestFinished(() => void vi.restoreAllMocks());
  await signIn();
  let isSilent = true;
  const reloaded = createClient({
    url: server.url,
    fetch: (url, options) => {
      if (!isSilent || !isRefresh(url)) return browser.fetch(url, options);
      isSilent = false;
      return new Promise((_, reject) => {
        options?.signal?.addEventListener("abort", () => reject(options.signal?.reason));
        limit.abort(new DOMException("The operation timed out", "TimeoutError"));
      });
    },
  });
  const error: unknown = await reloaded.tag.list.query().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "SessionError", reason: "notRenewed" });
  expect(isNetworkError(error)).toBe(true);
  expect(shouldRetry(0, error)).toBe(true);
  expect(await reloaded.tag.list.query()).toEqual([]);
});

test("an abort rejects at once, also while the call waits for a renewal", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = createClient({
    url: server.url,
    fetch: async (url, options) => {
      if (isRefresh(url)) await gate.promise;
      return browser.fetch(url, options);
    },
  });
  const controller = new AbortController();
  const call = slow.tag.list.query(undefined, { signal: controller.signal });
  const other = slow.tag.list.query();
  controller.abort();
  await expect(call).rejects.toMatchObject({ cause: { name: "AbortError" } });
  gate.resolve();
  await expect(other).rejects.toSatisfy((error) => isApiError(error, "MISSING_TOKEN"));
});

test("calls that run when the user signs out fail with a SessionError", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = createClient({
    url: server.url,
    fetch: async (url, options) => {
      const response = await browser.fetch(url, options);
      if (addressOf(url).includes("tag.list")) await gate.promise;
      return response;
    },
  });
  await slow.session.signUp({
    email: `${randomUUID()}@example.com`,
    password: "correct horse battery",
  });
  const call = slow.tag.list.query();
  await Promise.all([
    expect(call).rejects.toMatchObject({ name: "SessionError", reason: "ended" }),
    slow.session.signOut(),
  ]);
  gate.resolve();
});

test("own headers and links take part in each request", async () => {
  const paths: string[] = [];
  const seen: (string | null)[] = [];
  const own = createClient({
    url: server.url,
    headers: () => ({ "x-request-id": "own-id" }),
    links: [
      () =>
        ({ op, next }) => {
          paths.push(op.path);
          return next(op);
        },
    ],
    fetch: async (url, options) => {
      const response = await browser.fetch(url, options);
      seen.push(response.headers.get("x-request-id"));
      return response;
    },
  });
  await own.session.signUp({
    email: `${randomUUID()}@example.com`,
    password: "correct horse battery",
  });
  expect(paths).toEqual(["auth.register", "auth.login", "auth.me"]);
  expect(new Set(seen)).toEqual(new Set(["own-id"]));
});

test("a tRPC client of one's own gets the session by its link and sessionHeaders", async () => {
  const session = createSession({ url: server.url, fetch: browser.fetch });
  const own = createTRPCClient<AppRouter>({
    links: [session.link, httpBatchLink({ url: `${server.url}/trpc`, headers: sessionHeaders })],
  });
  const email = `${randomUUID()}@example.com`;
  const user = await session.signUp({ email, password: "correct horse battery" });
  expect(await own.auth.me.query()).toEqual(user);
  expireAccessToken();
  expect(await own.auth.me.query()).toEqual(user);
});

test.each(["", "/", "//"])("a url that ends with %j works", async (end) => {
  const other = createClient({ url: server.url + end, fetch: browser.fetch });
  await expect(other.auth.me.query()).rejects.toSatisfy((error) =>
    isApiError(error, "MISSING_TOKEN"),
  );
  expect(new Set(browser.requests)).toEqual(new Set(["/trpc/auth.refresh", "/trpc/auth.me"]));
});

test("a path prefix is kept, and a page's own origin needs no address", async () => {
  const urls: string[] = [];
  for (const url of ["https://x.example/backend/", "/backend", ""]) {
    const other = createClient({
      url,
      fetch: (input) => {
        urls.push(addressOf(input).replace(/\?.*/, ""));
        return Promise.reject(new TypeError("fetch failed"));
      },
    });
    await expect(other.tag.list.query()).rejects.toSatisfy(isNetworkError);
  }
  expect(urls).toEqual([
    "https://x.example/backend/trpc/auth.refresh",
    "/backend/trpc/auth.refresh",
    "/trpc/auth.refresh",
  ]);
});

test("signing out in a tab that does not know of another user's sign-in leaves that user signed in", async () => {
  await signIn();
  const other = createClient({ url: server.url, fetch: browser.fetch });
  const second = await other.session.signUp({
    email: `${randomUUID()}@example.com`,
    password: "correct horse battery",
  });
  await client.session.signOut();
  expect(client.session.status).toBe("signedOut");
  expect(await other.auth.me.query()).toEqual(second);
  const reloaded = createClient({ url: server.url, fetch: browser.fetch });
  expect(await reloaded.auth.me.query()).toEqual(second);
});

test("a call whose renewal answers for another user is not repeated, and onSignedOut is called", async () => {
  await signIn();
  const other = createClient({ url: server.url, fetch: browser.fetch });
  await other.session.signUp({
    email: `${randomUUID()}@example.com`,
    password: "correct horse battery",
  });
  await expect(client.task.create.mutate({ title: "Mine" })).rejects.toMatchObject({
    reason: "ended",
  });
  expect(signOuts).toBe(1);
  expect(client.session.status).toBe("signedOut");
  expect((await other.task.list.query()).total).toBe(0);
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
