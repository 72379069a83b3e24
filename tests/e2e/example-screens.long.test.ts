import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { skipsWithoutChromium } from "../support/browser/chromium.ts";
import { lowContrast } from "../support/browser/contrast.ts";
import { type Example, newAccount, signUp, startExample } from "../support/browser/example.ts";

const folder = process.env["SCREENSHOTS"];
const day = 24 * 3600 * 1000;

const screens: [string, BrowserContextOptions][] = [
  ["wide, light", { viewport: { width: 1200, height: 800 }, colorScheme: "light" }],
  ["wide, dark", { viewport: { width: 1200, height: 800 }, colorScheme: "dark" }],
  ["narrow, light", { viewport: { width: 360, height: 740 }, colorScheme: "light" }],
  ["narrow, dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
];

/** Scrolled sideways, or cut off. */
const overflow = `document.documentElement.scrollWidth > innerWidth`;

describe.skipIf(skipsWithoutChromium)(
  "each state of the example fits the screen, and its texts have enough contrast",
  () => {
    let example: Example;
    beforeAll(async () => {
      example = await startExample();
      if (folder !== undefined) await mkdir(folder, { recursive: true });
    });
    afterAll(() => example.close());

    test.each(screens)("%s", async (screen, options) => {
      const page = await example.open({ ...options, reducedMotion: "reduce" });
      /** Checks the layout and the colours of a state, and keeps its picture. */
      const look = async (state: string): Promise<void> => {
        const name = `${state}, ${screen}`.replaceAll(/[ ,]+/g, "-");
        if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
        const found = {
          overflow: await page.evaluate(overflow),
          lowContrast: await page.evaluate(lowContrast),
        };
        expect({ state, ...found }).toEqual({ state, overflow: false, lowContrast: [] });
      };
      const button = (name: string | RegExp) => page.getByRole("button", { name });

      await page.getByLabel("E-mail").waitFor();
      await look("sign in");
      await page.getByLabel("E-mail").fill("ada@example.com");
      await page.getByLabel("Password").fill("a wrong password");
      await button("Sign in").click();
      await page.getByRole("alert").waitFor();
      await look("wrong password");
      await button("Create an account").click();
      await look("register");

      const account = newAccount("Ada");
      await page.reload();
      await signUp(page, account);
      await page.getByText("Nothing to do yet").waitFor();
      await look("no tasks");

      const client = await example.clientOf(account);
      const [work, home] = await Promise.all([
        client.tag.create.mutate({ name: "Work", color: "#3366CC" }),
        client.tag.create.mutate({ name: "Home", color: "#D97706" }),
      ]);
      for (let number = 1; number <= 30; number++)
        await client.task.create.mutate({ title: `Read chapter ${number}` });
      // So that these are the newest.
      example.clock.advance(1);
      const at = (days: number) => new Date(Date.now() + days * day).toISOString();
      const [taxes, , report] = [
        await client.task.create.mutate({
          title: "File the tax return",
          priority: "high",
          due_date: at(-2),
          description: "All receipts are in the blue folder.",
        }),
        await client.task.create.mutate({ title: "Water the plants", priority: "low" }),
        await client.task.create.mutate({ title: "Write the report", due_date: at(3) }),
      ];
      await client.task.addTag.mutate({ task_id: taxes.id, tag_id: home.id });
      await client.task.addTag.mutate({ task_id: report.id, tag_id: work.id });
      const book = await client.task.create.mutate({ title: "Book the train" });
      await client.task.patch.mutate({ task_id: book.id, completed: true });
      await client.task.create.mutate({
        title: `A title as long as the server allows: ${"Donaudampfschiff".repeat(10)}`,
      });
      await page.reload();
      await page.getByRole("heading", { name: "Write the report" }).waitFor();
      await look("tasks");

      await button("New task").click();
      await look("new task");
      await page.keyboard.press("Escape");
      await button("Edit File the tax return").click();
      await look("edit");
      await page.keyboard.press("Escape");
      await button("Tag Write the report").click();
      await look("tags");
      await page.keyboard.press("Escape");
      await button("Sessions").click();
      await page.getByText("This device").waitFor();
      await look("sessions");
      await page.keyboard.press("Escape");

      await page.getByLabel("Search tasks").fill("no such task");
      await page.getByText("No task matches").waitFor();
      await look("nothing found");
      await button("Clear the filters").click();

      await page.route("**/trpc/task.patch*", (route) => route.abort());
      await page.getByLabel("Complete Water the plants").click();
      await page.getByRole("alert").waitFor();
      await look("change failed");
      await page.context().setOffline(true);
      await page.getByText("You are offline").waitFor();
      await look("offline");
      await page.context().setOffline(false);

      const held = Promise.withResolvers<void>();
      await page.route("**/trpc/**", async (route) => {
        if (route.request().url().includes("task.list")) await held.promise;
        await route.continue();
      });
      await page.reload();
      await page.getByText("Loading tasks").waitFor();
      await look("loading");
      held.resolve();
      await page.unrouteAll({ behavior: "ignoreErrors" });

      await page.route("**/trpc/**", (route) => route.abort());
      await page.reload();
      await page.getByRole("alert").waitFor();
      await look("no server");
    });
  },
);
