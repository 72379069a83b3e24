import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { skipsWithoutChromium } from "../support/browser/chromium.ts";
import {
  createTask,
  type Example,
  newAccount,
  requestsOf,
  serveFolder,
  signIn,
  signUp,
  startExample,
} from "../support/browser/example.ts";

/** Seconds after which an access token has expired. */
const tokenLifetime = 906;

const refreshes = (requests: readonly string[]): number =>
  requests.filter((name) => name === "auth.refresh").length;

const task = (page: Page, title: string) => page.getByRole("heading", { name: title });
const button = (page: Page, name: string) => page.getByRole("button", { name });

describe.skipIf(skipsWithoutChromium)("the session of the example", () => {
  let example: Example;
  beforeAll(async () => {
    example = await startExample();
  });
  afterAll(() => example.close());

  /** Opens the example, signed in with a new account. */
  const openSignedIn = async (name?: string) => {
    const account = newAccount(name);
    const page = await example.open();
    await signUp(page, account);
    const context = page.context();
    onTestFinished(() => context.close());
    return { account, page, context };
  };

  const openTab = async (context: BrowserContext): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(example.pages);
    return page;
  };

  test("ten calls in flight with an expired token share one refresh, and all succeed", async () => {
    const { account, page, context } = await openSignedIn();
    const client = await example.clientOf(account);
    for (let number = 0; number < 10; number++)
      await client.task.create.mutate({ title: `Task ${number}` });
    await page.reload();
    await page.getByText("10 tasks").waitFor();
    const requests = requestsOf(context);
    example.clock.advance(tokenLifetime);
    const allSent = Promise.withResolvers<void>();
    let calls = 0;
    await page.route("**/trpc/task.patch*", async (route) => {
      calls +=
        route
          .request()
          .url()
          .match(/task\.patch/g)?.length ?? 0;
      if (calls === 10) allSent.resolve();
      await allSent.promise;
      await route.continue();
    });
    for (let number = 0; number < 10; number++)
      await page.getByRole("checkbox").nth(number).click({ noWaitAfter: true });
    const later = await example.clientOf(account);
    await expect
      .poll(async () => (await later.task.list.query({ status: "completed" })).total)
      .toBe(10);
    await page.locator("li.done").nth(9).waitFor();
    expect(refreshes(requests)).toBe(1);
    expect(calls).toBe(20);
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("two tabs whose token has expired at the same time both continue with one refresh", async () => {
    const { page: one, context } = await openSignedIn();
    await createTask(one, "Shared task");
    const two = await openTab(context);
    await task(two, "Shared task").waitFor();
    const requests = requestsOf(context);
    example.clock.advance(tokenLifetime);
    await Promise.all([createTask(one, "Task of tab one"), createTask(two, "Task of tab two")]);
    expect(refreshes(requests)).toBe(1);
    for (const page of [one, two]) {
      await page.reload();
      await task(page, "Task of tab one").waitFor();
      await task(page, "Task of tab two").waitFor();
    }
  });

  test("a sign-out in one tab signs the other one out", async () => {
    const { page: one, context } = await openSignedIn();
    await createTask(one, "Private task");
    const two = await openTab(context);
    await task(two, "Private task").waitFor();
    await button(one, "Sign out").click();
    for (const page of [one, two]) {
      await page.getByLabel("Password").waitFor();
      expect(await task(page, "Private task").count()).toBe(0);
    }
  });

  test("another user's sign-in in one tab shows that user's tasks only in the other", async () => {
    const { page: one, context } = await openSignedIn("Ada");
    await createTask(one, "Task of Ada");
    const grace = newAccount("Grace");
    await signUp(await example.open(), grace);
    await (await example.clientOf(grace)).task.create.mutate({ title: "Task of Grace" });

    const two = await openTab(context);
    await task(two, "Task of Ada").waitFor();
    await button(two, "Sign out").click();
    await signIn(two, grace);
    for (const page of [one, two]) {
      await task(page, "Task of Grace").waitFor();
      await page.locator(".user", { hasText: "Grace" }).waitFor();
      expect(await task(page, "Task of Ada").count()).toBe(0);
    }
  });

  test("a reload keeps the session, and no script can read its cookie", async () => {
    const { page, context } = await openSignedIn();
    await createTask(page, "Task before the reload");
    await page.reload();
    await task(page, "Task before the reload").waitFor();
    const cookies = await context.cookies(`${example.api}/trpc`);
    expect(cookies).toMatchObject([{ name: "refresh_token", httpOnly: true }]);
    const visible = `document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)`;
    expect(await page.evaluate(visible)).toBe("{}{}");
  });

  test.each([
    ["the same site", "localhost"],
    ["another site", "127.0.0.1"],
  ])("a page of a foreign origin on %s gets no response, and changes nothing", async (_, host) => {
    const { page, context } = await openSignedIn();
    const foreign = await serveFolder("/nonexistent");
    onTestFinished(foreign.close);
    const tab = await context.newPage();
    await tab.goto(foreign.url.replace("localhost", host));
    const call = (path: string, init: object) =>
      tab.evaluate(
        `fetch(${JSON.stringify(`${example.api}${path}`)}, ${JSON.stringify(init)})
          .then(() => "response", (error) => error.name)`,
      );
    const cookies = await context.cookies(`${example.api}/trpc`);
    for (const credentials of ["include", "omit"]) {
      for (const path of ["/trpc/auth.refresh", "/api/v1/auth/refresh", "/trpc/auth.logout"])
        expect(await call(path, { method: "POST", credentials })).toBe("TypeError");
      expect(await call("/trpc/auth.me", { credentials })).toBe("TypeError");
    }
    expect(await context.cookies(`${example.api}/trpc`)).toEqual(cookies);
    await page.reload();
    await page.getByText("Nothing to do yet").waitFor();
  });

  test("a change made offline is sent when the connection is back", async () => {
    const { account, page, context } = await openSignedIn();
    await createTask(page, "Task for later");
    const client = await example.clientOf(account);
    const completed = async () => (await client.task.list.query({ status: "completed" })).total;
    await context.setOffline(true);
    await page.getByText("You are offline").waitFor();
    await page.getByLabel("Complete Task for later").click();
    await page.locator("li.done").waitFor();
    expect(await completed()).toBe(0);
    await context.setOffline(false);
    await page.getByText("You are offline").waitFor({ state: "hidden" });
    await expect.poll(completed).toBe(1);
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("the session survives a restart of the server", async () => {
    const { page } = await openSignedIn();
    await createTask(page, "Task before the restart");
    const { page: reloaded } = await openSignedIn();
    await example.stopServer();
    await page.getByLabel("Complete Task before the restart").click();
    await page.locator("li").getByRole("alert").waitFor();
    expect(await page.locator("li.done").count()).toBe(0);
    await reloaded.reload();
    await reloaded.getByRole("alert").waitFor();

    await example.restartServer();
    await page.getByLabel("Complete Task before the restart").click();
    await page.locator("li.done").waitFor();
    // Without a click: the client tries again by itself.
    await reloaded.getByText("Nothing to do yet").waitFor();
  });
});
