import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { createClient, type Client } from "@taskwire/client";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { freePort } from "../process/free-port.ts";
import { clonePostgres } from "../setup/database.ts";
import { startServer, testClock, type TestClock, type TestServer } from "../setup/server.ts";
import { launchChromium } from "./chromium.ts";

const root = join(import.meta.dirname, "../../..");
const types: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};

/** An account of the example. */
export interface Account {
  email: string;
  password: string;
  name: string;
}

export const newAccount = (name = "Ada"): Account => ({
  email: `${name.toLowerCase()}-${randomUUID()}@example.com`,
  name,
  password: "correct horse battery",
});

/** The React example in a browser, with a real server on another origin. */
export interface Example {
  /** The address of the example's pages. */
  pages: string;
  /** The address of the server. */
  api: string;
  clock: TestClock;
  /** Opens the example in a new browser profile. */
  open: (options?: BrowserContextOptions) => Promise<Page>;
  /** Returns a client that is signed in with the account, outside the browser. */
  clientOf: (account: Account) => Promise<Client>;
  stopServer: () => Promise<void>;
  /** Starts the server again, at the same address and with the same database. */
  restartServer: () => Promise<void>;
  close: () => Promise<void>;
}

/** Serves the files of a folder on a free port. */
export const serveFolder = async (folder: string) => {
  const server = createServer((request, response) => {
    const path = request.url === "/" ? "/index.html" : (request.url ?? "");
    createReadStream(join(folder, path))
      .on("open", () => {
        response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream");
      })
      .on("error", () => response.writeHead(404).end("Not found"))
      .pipe(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  return {
    url: `http://localhost:${address.port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

/** Builds and serves the example, and starts a server and a browser for it. */
export const startExample = async (): Promise<Example> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-example-"));
  const port = await freePort();
  const api = `http://localhost:${port}`;
  const [pages, database, browser] = await Promise.all([
    serveFolder(folder),
    clonePostgres(),
    launchChromium(),
    promisify(execFile)(
      process.execPath,
      [
        join(root, "node_modules/vite/bin/vite.js"),
        "build",
        join(root, "client/examples/react"),
        "--outDir",
        folder,
      ],
      { env: { ...process.env, NODE_ENV: "production", VITE_API_URL: api } },
    ),
  ]);
  const clock = testClock();
  const start = async () =>
    startServer({
      port,
      clock,
      env: { CORS_ORIGINS: pages.url },
      orm: await openPostgres(database.url, { poolMin: 0, poolMax: 5 }),
    });
  let server: TestServer | undefined = await start();
  const stopServer = async () => {
    await server?.close();
    server = undefined;
  };
  return {
    pages: pages.url,
    api,
    clock,
    stopServer,
    open: async (options) => {
      const context = await browser.newContext(options);
      // Only ends what hangs, as the limits in vitest.config.ts.
      context.setDefaultTimeout(120_000);
      const page = await context.newPage();
      await page.goto(pages.url);
      return page;
    },
    clientOf: async ({ email, password }) => {
      const client = createClient({ url: api });
      await client.session.signIn({ email, password });
      return client;
    },
    restartServer: async () => {
      server = await start();
    },
    close: async () => {
      await browser.close();
      pages.close();
      await stopServer();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
};

/** Creates the account in the form of the example. */
export const signUp = async (page: Page, { email, password, name }: Account): Promise<void> => {
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { name: "Tasks", exact: true }).waitFor();
};

/** Signs in in the form of the example. */
export const signIn = async (page: Page, { email, password }: Account): Promise<void> => {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Tasks", exact: true }).waitFor();
};

/** Creates a task in the dialog of the example. */
export const createTask = async (page: Page, title: string): Promise<void> => {
  await page.getByRole("button", { name: "New task" }).click();
  await page.getByLabel("Title").fill(title);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: title }).waitFor();
};

/** Collects the procedures of all requests that the pages send from now on, one entry a request. */
export const requestsOf = (context: BrowserContext): string[] => {
  const requests: string[] = [];
  context.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/trpc/")) requests.push(pathname.slice("/trpc/".length));
  });
  return requests;
};
