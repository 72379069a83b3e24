import { randomUUID } from "node:crypto";
import { type Client, createClient, type TabPlatform } from "@taskwire/client";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cookieFetch, addressOf } from "../support/client/cookie-fetch.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** Node has the same parts as a browser, but a client uses them only in a page, unless it gets them. */
let platform: TabPlatform;
let browser: ReturnType<typeof cookieFetch>;
let signOuts: number;
/** Holds back the responses of some requests. */
let hold: (path: string) => Promise<void>;
beforeEach(() => {
  browser = cookieFetch();
  signOuts = 0;
  hold = async () => {};
  // Tabs of another test are another browser's.
  const id = randomUUID();
  platform = {
    BroadcastChannel: class extends BroadcastChannel {
      constructor(name: string) {
        super(`${name} ${id}`);
        // A channel keeps a process alive.
        this.unref();
      }
    },
    locks: {
      request: (name, ...rest) => navigator.locks.request(`${name} ${id}`, ...rest),
    },
  };
});

const openTab = (): Client =>
  createClient({
    url: server.url,
    fetch: async (url, options) => {
      const response = await browser.fetch(url, options);
      await hold(addressOf(url));
      return response;
    },
    tabs: platform,
    onSignedOut: () => signOuts++,
  });

const newAccount = () => ({
  email: `${randomUUID()}@example.com`,
  password: "correct horse battery",
});

test("twelve tabs that are restored at once make one refresh", async () => {
  const account = newAccount();
  await openTab().session.signUp(account);
  const tabs = Array.from({ length: 12 }, openTab);
  const users = await Promise.all(tabs.map((tab) => tab.auth.me.query()));
  expect(users.map(({ email }) => email)).toEqual(Array(12).fill(account.email));
  expect(browser.count("auth.refresh")).toBeLessThanOrEqual(1);
});

test("twelve signed-out tabs that are opened at once make one refresh", async () => {
  const tabs = Array.from({ length: 12 }, openTab);
  await Promise.all(tabs.map((tab) => tab.session.restore()));
  expect(tabs.map((tab) => tab.session.status)).toEqual(Array(12).fill("signedOut"));
  expect(browser.count("auth.refresh")).toBe(1);
  await openTab().session.restore();
  expect(browser.count("auth.refresh")).toBe(1);
  const user = await openTab().session.signUp(newAccount());
  await expect.poll(() => tabs.map((tab) => tab.session.user)).toEqual(Array(12).fill(user));
});

test("of ten calls in each of three tabs with an expired token, one makes a refresh", async () => {
  await openTab().session.signUp(newAccount());
  const tabs = Array.from({ length: 3 }, openTab);
  await Promise.all(tabs.map((tab) => tab.session.restore()));
  const before = browser.count("auth.refresh");
  server.clock.advance(906);
  await Promise.all(tabs.flatMap((tab) => Array.from({ length: 10 }, () => tab.tag.list.query())));
  expect(browser.count("auth.refresh") - before).toBe(1);
});

test("an idle tab learns of a sign-in and of a sign-out in another tab, without a request", async () => {
  const [active, idle] = [openTab(), openTab()];
  await idle.session.restore();
  expect(idle.session.status).toBe("signedOut");
  const user = await active.session.signUp(newAccount());
  await expect.poll(() => idle.session.user).toEqual(user);
  const { length } = browser.requests;
  await active.session.signOut();
  await expect.poll(() => idle.session.status).toBe("signedOut");
  expect(browser.requests).toHaveLength(length + 1);
  expect(signOuts).toBe(2);
});

test("an idle tab of one user learns that another user signed in", async () => {
  const [active, idle] = [openTab(), openTab()];
  await active.session.signUp(newAccount());
  await idle.session.restore();
  const other = await active.session.signUp(newAccount());
  await expect.poll(() => idle.session.user).toEqual(other);
  expect(signOuts).toBe(2);
});

test("a call that waits for a renewal while another user signs in fails, and changes nothing of that user", async () => {
  const [first, second] = [openTab(), openTab()];
  await first.session.signUp(newAccount());
  const other = newAccount();
  await second.auth.register.mutate(other);
  await second.session.restore();
  server.clock.advance(906);
  const loggedIn = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  hold = async (path) => {
    if (!path.includes("auth.login")) return;
    loggedIn.resolve();
    await released.promise;
  };
  // Holds the lock that a renewal needs.
  const signIn = second.session.signIn(other);
  await loggedIn.promise;
  const rejected = first.tag.list.query();
  const outcomes = Promise.allSettled([rejected, first.task.create.mutate({ title: "Mine" })]);
  await expect.poll(() => browser.count("tag.list")).toBe(1);
  const waiting = Promise.allSettled([first.task.create.mutate({ title: "Mine, too" })]);
  released.resolve();
  await signIn;
  for (const { status } of [...(await outcomes), ...(await waiting)])
    expect(status).toBe("rejected");
  expect((await second.task.list.query()).total).toBe(0);
});

test("without channels and locks, tabs that share a cookie all stay signed in", async () => {
  const account = newAccount();
  const open = () => createClient({ url: server.url, fetch: browser.fetch, tabs: {} });
  await open().session.signUp(account);
  const tabs = Array.from({ length: 4 }, open);
  for (let round = 0; round < 3; round++) {
    const users = await Promise.all(tabs.map((tab) => tab.auth.me.query()));
    expect(users.map(({ email }) => email)).toEqual(Array(4).fill(account.email));
    server.clock.advance(906);
  }
});
