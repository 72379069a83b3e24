import { expect, onTestFinished, test } from "vitest";
import { launchChromium, skipsWithoutChromium } from "../support/browser/chromium.ts";
import { createTask, newAccount, signUp } from "../support/browser/example.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { start } from "../support/process/executable.ts";
import { freePort } from "../support/process/free-port.ts";
import { temporaryFolder } from "../support/process/test-process.ts";

test.skipIf(skipsWithoutChromium)(
  "pnpm example serves the example and the server, and stops both on Ctrl+C",
  async () => {
    const folder = await temporaryFolder();
    await unpackDatabase(folder);
    const [port, serverPort] = await Promise.all([freePort(), freePort()]);
    const example = start("example", {
      folder,
      env: { PORT: String(serverPort), VITE_API_URL: `http://localhost:${serverPort}` },
      args: [String(port)],
    });
    onTestFinished(async () => {
      await example.kill("SIGKILL");
    });
    const [, url = ""] = await example.until(/The example is at (http:\S+)/);
    await example.until(/REST at/);
    const browser = await launchChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const errors: unknown[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto(url);
    await signUp(page, newAccount());
    await createTask(page, "Water the plants");
    await page.getByRole("button", { name: "Edit Water the plants" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.reload();
    await page.getByRole("heading", { name: "Water the plants" }).waitFor();
    expect(errors).toEqual([]);
    expect(await example.kill("SIGINT")).toEqual({ code: 0, signal: null });
    await expect(fetch(`http://localhost:${serverPort}`)).rejects.toThrow("fetch failed");
  },
);
