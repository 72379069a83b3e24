import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { skipsWithoutChromium } from "../support/browser/chromium.ts";
import {
  createTask,
  type Example,
  newAccount,
  signUp,
  startExample,
} from "../support/browser/example.ts";

describe.skipIf(skipsWithoutChromium)("the example", () => {
  let example: Example;
  beforeAll(async () => {
    example = await startExample();
  });
  afterAll(() => example.close());

  test("needs no mouse, and keeps the focus after each action", async () => {
    const page = await example.open();
    await signUp(page, newAccount());
    await createTask(page, "Water the plants");
    await page.reload();
    await page.getByRole("heading", { name: "Water the plants" }).waitFor();
    const focused = () =>
      page.evaluate(`document.activeElement.ariaLabel ?? document.activeElement.innerText`);
    const pressUntil = async (key: string, name: string) => {
      for (let presses = 0; presses < 20 && (await focused()) !== name; presses++)
        await page.keyboard.press(key);
      expect(await focused()).toBe(name);
    };
    await pressUntil("Tab", "New task");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Feed the cat");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Feed the cat" }).waitFor();
    expect(await focused()).toBe("New task");

    await pressUntil("Tab", "Complete Water the plants");
    await page.keyboard.press("Space");
    await page.locator("li.done").waitFor();
    expect(await focused()).toBe("Complete Water the plants");

    await pressUntil("Tab", "Edit Water the plants");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Something else");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await focused()).toBe("Edit Water the plants");

    await page.keyboard.press("Enter");
    await pressUntil("Tab", "Delete");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Water the plants" }).waitFor({ state: "detached" });
    expect(await focused()).toBe("Tasks");
  });
});
