import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** Returns the path of Chromium: CHROMIUM_PATH, else the first one in the path. */
const chromiumPath = (): string | undefined => {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return (
    process.env["CHROMIUM_PATH"] ??
    folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync)
  );
};

/** Whether to skip a test that needs Chromium on a machine that lacks it: never in CI. */
export const skipsWithoutChromium = process.env["CI"] === undefined && chromiumPath() === undefined;

/** Starts Chromium without a window, with an empty profile. @param options more of its command line */
export const launchChromium = (...options: string[]): Promise<Browser> => {
  const executablePath = chromiumPath();
  if (executablePath === undefined)
    throw new Error("No Chromium: install it (apt-get install chromium), or set CHROMIUM_PATH");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...options,
    ],
  });
};
