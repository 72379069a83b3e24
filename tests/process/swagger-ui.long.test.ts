import { openApiDocument } from "@taskwire/server/rest/openapi.ts";
import { operationsInOrder } from "@taskwire/server/codegen/bruno.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import type { Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { launchChromium, skipsWithoutChromium } from "../support/browser/chromium.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";

const operations = operationsInOrder(openApiDocument(appRouter));
const register = operations.find(({ operationId }) => operationId === "registerUser");

/** Executes an operation with its prefilled values; returns the status that the page shows. */
const tryOut = async (
  page: Page,
  { operationId, tags }: (typeof operations)[number],
): Promise<string> => {
  const operation = page.locator(`#operations-${tags[0]}-${operationId}`);
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const status = operation.locator(".live-responses-table .response .response-col_status");
  const text = await status.innerText();
  await operation.locator(".opblock-summary-control").click();
  return text;
};

/** Signs in with the dialog "Authorize", as the user of the examples. */
const authorize = async (page: Page): Promise<void> => {
  await page.locator(".auth-wrapper > .authorize").click();
  const form = page.locator(".auth-container", { hasText: "OAuth2, password" });
  await form.locator("#oauth_username").fill("ada@example.com");
  await form.locator("#oauth_password").fill("correct horse battery");
  await form.getByRole("button", { name: "Apply given OAuth2 credentials" }).click();
  await form.getByRole("button", { name: "Remove authorization" }).waitFor();
  await page.locator(".close-modal").click();
};

test.skipIf(skipsWithoutChromium)(
  "Swagger UI signs in with Authorize, keeps that over a reload, and each prefilled example succeeds",
  async () => {
    const { url } = await serve(await temporaryFolder());
    const browser = await launchChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    // Only ends what hangs, as in vitest.config.ts.
    page.setDefaultTimeout(120_000);
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${url}/docs`);
    if (register === undefined) throw new Error("No operation registerUser");
    expect(await tryOut(page, register)).toMatch(/^201/);
    await authorize(page);

    const stored = await page.evaluate<string>("localStorage.getItem('authorized')");
    expect(stored).toContain("access_token");
    expect(stored).not.toContain("correct horse battery");
    await page.reload();
    await page.locator(".auth-wrapper > .authorize.locked").waitFor();
    const statuses: [string, string][] = [];
    for (const operation of operations.filter((each) => each !== register))
      statuses.push([operation.operationId, await tryOut(page, operation)]);
    expect(statuses.filter(([, status]) => !/^20[014]/.test(status))).toEqual([]);
    expect(statuses).toHaveLength(operations.length - 1);
    expect(errors).toEqual([]);
  },
);
