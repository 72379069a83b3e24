import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { skipsWithoutChromium } from "../support/browser/chromium.ts";
import {
  createTask,
  type Example,
  newAccount,
  signIn,
  signUp,
  startExample,
} from "../support/browser/example.ts";

describe.skipIf(skipsWithoutChromium)("a user of the example", () => {
  let example: Example;
  beforeAll(async () => {
    example = await startExample();
  });
  afterAll(() => example.close());

  const openWithTasks = async (titles: readonly string[]) => {
    const account = newAccount();
    const page = await example.open();
    await signUp(page, account);
    const client = await example.clientOf(account);
    for (const title of titles) await client.task.create.mutate({ title });
    await page.reload();
    const shownTitles = () => page.locator("li h2").allTextContents();
    await expect.poll(async () => (await shownTitles()).length).toBe(Math.min(titles.length, 20));
    return { account, client, page, shownTitles };
  };

  test("registers, signs out, and signs in again", async () => {
    const account = newAccount("Ada");
    const page = await example.open();
    await signUp(page, account);
    await page.getByText("Nothing to do yet").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("E-mail").fill(account.email);
    await page.getByLabel("Password").fill("a wrong password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await signIn(page, account);
    await page.getByTitle(account.email).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("E-mail").fill(account.email);
    await page.getByLabel("Password").fill(account.password);
    await page.getByRole("button", { name: "Create account" }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    const field = page.getByLabel("E-mail");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await alert.textContent()).toContain("already exists");
  });

  test("creates, edits, tags and deletes a task", async () => {
    const { page, client } = await openWithTasks([]);
    await createTask(page, "Write the report");
    await page.getByRole("button", { name: "Edit Write the report" }).click();
    await page.getByLabel("Title").fill("Write the long report");
    await page.getByLabel("Description").fill("With figures");
    await page.getByRole("dialog").getByLabel("Priority").selectOption("high");
    await page.getByLabel("Due").fill("2030-01-31T17:00");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "Write the long report" }).waitFor();
    await page.getByRole("button", { name: "Tag Write the long report" }).click();
    await page.getByLabel("New tag").fill("Work");
    await page.getByRole("button", { name: "Add" }).click();
    await expect.poll(() => page.getByLabel("Work").isChecked()).toBe(true);
    await page.getByRole("button", { name: "Close" }).click();
    await page.locator("li .tag", { hasText: "Work" }).waitFor();
    const { items } = await client.task.list.query();
    expect(items).toMatchObject([
      {
        title: "Write the long report",
        description: "With figures",
        priority: "high",
        due_date: await page.evaluate(`new Date("2030-01-31T17:00").toISOString()`),
        tags: [{ name: "Work" }],
      },
    ]);
    await page.getByRole("button", { name: "Tag Write the long report" }).click();
    await page.getByLabel("Work").click();
    await page.getByRole("button", { name: "Close" }).click();
    await page.locator("li .tag").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Edit Write the long report" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("Nothing to do yet").waitFor();
    expect((await client.task.list.query()).total).toBe(0);
  });

  test("sees a completed task at once, and the old state again when the change fails", async () => {
    const { page, client } = await openWithTasks(["Water the plants"]);
    const box = page.getByLabel("Complete Water the plants");
    const held = Promise.withResolvers<void>();
    await page.route("**/trpc/task.patch*", async (route) => {
      await held.promise;
      await route.abort();
    });
    await box.click();
    await page.locator("li.done").waitFor();
    expect(await box.isChecked()).toBe(true);
    held.resolve();
    await page.locator("li").getByRole("alert").waitFor();
    expect(await box.isChecked()).toBe(false);
    await page.unroute("**/trpc/task.patch*");
    await box.click();
    await page.locator("li").getByRole("alert").waitFor({ state: "detached" });
    await expect
      .poll(async () => (await client.task.list.query({ status: "completed" })).total)
      .toBe(1);
  });

  test("filters, searches and sorts the list", async () => {
    const titles = ["Buy bread", "Call Grace", "Answer Ada"];
    const { page, client, shownTitles } = await openWithTasks(titles);
    const [bread, grace] = (await client.task.list.query()).items;
    const tag = await client.tag.create.mutate({ name: "Calls" });
    await client.task.addTag.mutate({ task_id: grace?.id ?? 0, tag_id: tag.id });
    await client.task.patch.mutate({ task_id: bread?.id ?? 0, completed: true, priority: "high" });
    await page.reload();
    await page.getByText("3 tasks").waitFor();
    const expectTitles = (...expected: string[]) => expect.poll(shownTitles).toEqual(expected);
    const choose = async (label: string, option: string) =>
      page.getByLabel(label, { exact: true }).selectOption({ label: option });
    await choose("Order", "Title");
    await expectTitles("Answer Ada", "Buy bread", "Call Grace");
    await choose("Status", "Done");
    await expectTitles("Buy bread");
    await choose("Status", "All tasks");
    await choose("Priority", "High");
    await expectTitles("Buy bread");
    await choose("Priority", "Any priority");
    await choose("Tag", "Calls");
    await expectTitles("Call Grace");
    await choose("Tag", "Any tag");
    await page.getByLabel("Search tasks").fill("ada");
    await expectTitles("Answer Ada");
    await page.getByLabel("Search tasks").fill("nothing like this");
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await page.getByText("3 tasks").waitFor();
  });

  test("loads more tasks by scrolling", async () => {
    const titles = Array.from({ length: 45 }, (_, number) => `Task ${number}`);
    const { page, shownTitles } = await openWithTasks(titles);
    for (const count of [40, 45]) {
      await page.mouse.wheel(0, 20_000);
      await expect.poll(async () => (await shownTitles()).length).toBe(count);
    }
    expect((await shownTitles()).toSorted()).toEqual(titles.toSorted());
    expect(await page.getByRole("button", { name: "Load more" }).count()).toBe(0);
  });

  test("sees the other sessions and revokes one, which then has no access", async () => {
    const { account, page } = await openWithTasks([]);
    const other = await example.open();
    await signIn(other, account);
    await page.getByRole("button", { name: "Sessions" }).click();
    await page.getByText("This device").waitFor();
    const revoke = page.getByRole("button", { name: "Revoke Chrome" });
    await revoke.click();
    await revoke.waitFor({ state: "detached" });
    await other.getByRole("button", { name: "New task" }).click();
    await other.getByLabel("Title").fill("Too late");
    await other.getByRole("button", { name: "Save" }).click();
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    // The tests' own client.
    await page.getByRole("button", { name: "Revoke all others" }).click();
    await expect.poll(() => page.getByRole("dialog").getByRole("listitem").count()).toBe(1);
  });
});
