import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createServer } from "vite";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { launchChromium, skipsWithoutChromium } from "../support/browser/chromium.ts";
import { servePage, writePage } from "../support/browser/site.ts";
import { textOf } from "../support/docs/documents.ts";
import { startNginx } from "../support/external/nginx.ts";
import { freePort } from "../support/process/free-port.ts";
import { temporaryFolder } from "../support/process/test-process.ts";
import { skipsWithout } from "../support/setup/requirements.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import viteConfig from "./deployments/vite.config.ts";

const lacksPrograms = skipsWithoutChromium || skipsWithout("nginx") || skipsWithout("openssl");

/** So that any host name is this machine. */
const resolveAll = "--host-resolver-rules=MAP * 127.0.0.1";

let browser: Browser;
beforeAll(async () => {
  if (!lacksPrograms) browser = await launchChromium(resolveAll);
});
afterAll(() => browser?.close());

const newServer = async (env: Record<string, string> = {}): Promise<TestServer> => {
  const server = await startServer({ env });
  onTestFinished(server.close);
  return server;
};

const newContext = async (): Promise<BrowserContext> => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  onTestFinished(() => context.close());
  return context;
};

/** Opens a page, and creates the client there. */
const open = async (context: BrowserContext, address: string, url: string): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(address);
  await createClient(page, url);
  return page;
};

const createClient = (page: Page, url: string): Promise<unknown> =>
  page.evaluate(`void (globalThis.client = createClient({ url: ${JSON.stringify(url)} }))`);

const statusOf = (page: Page): Promise<unknown> =>
  page.evaluate("client.session.restore().then(() => client.session.status)");

const signUp = async (page: Page): Promise<string> => {
  const email = `${randomUUID()}@example.com`;
  const account = JSON.stringify({ email, password: "correct horse battery" });
  expect(await page.evaluate(`client.session.signUp(${account}).then(({ email }) => email)`)).toBe(
    email,
  );
  return email;
};

const titles = (page: Page): Promise<unknown> =>
  page.evaluate("client.task.list.query({}).then(({ items }) => items.map(({ title }) => title))");

const cookiesOf = async (context: BrowserContext) =>
  (await context.cookies()).map(({ name, domain, path, httpOnly, secure, sameSite }) => ({
    name,
    domain,
    path,
    httpOnly,
    secure,
    sameSite,
  }));

/** Everything that a page of another site can try without the server's permission. */
const attack = (api: string): string => `(async () => {
  const results = [];
  for (const path of ["/trpc/auth.refresh", "/trpc/auth.logout", "/api/v1/auth/refresh", "/api/v1/auth/logout"]) {
    for (const mode of ["cors", "no-cors"]) {
      const init = { method: "POST", mode, credentials: "include" };
      if (mode === "cors") init.headers = { "content-type": "application/json" };
      const read = fetch(${JSON.stringify(api)} + path, init).then((response) => response.text());
      results.push(await read.catch(() => ""));
    }
  }
  return results;
})()`;

/** Submits a form to the server, as a page of another site can, and returns the response. */
const submitForm = async (page: Page, action: string): Promise<string> => {
  const form = JSON.stringify(`<form method="post" action="${action}"></form>`);
  await Promise.all([
    page.waitForURL(action),
    page.evaluate(`document.body.innerHTML = ${form}; document.forms[0].submit()`),
  ]);
  return page.innerText("body");
};

/** Signs up, reloads, lists, and signs out on the page, while another site tries to use the session. */
const expectSession = async (deployment: {
  page: string;
  url: string;
  /** The server's address for other sites. */
  api: string;
  foreign: string;
  cookie: object;
}): Promise<void> => {
  const context = await newContext();
  const page = await open(context, deployment.page, deployment.url);
  expect(await statusOf(page)).toBe("signedOut");
  const email = await signUp(page);
  await page.evaluate(`client.task.create.mutate({ title: "Water the plants" }).then(() => {})`);

  expect(await cookiesOf(context)).toEqual([
    { name: "refresh_token", httpOnly: true, secure: true, ...deployment.cookie },
  ]);
  expect(await page.evaluate("document.cookie")).toBe("");

  await page.reload();
  await createClient(page, deployment.url);
  expect(await statusOf(page)).toBe("signedIn");
  expect(await page.evaluate("client.session.user.email")).toBe(email);
  expect(await titles(page)).toEqual(["Water the plants"]);

  const foreign = await open(context, deployment.foreign, deployment.api);
  expect(await foreign.evaluate(attack(deployment.api))).toEqual(Array(8).fill(""));
  await expect(statusOf(foreign)).rejects.toThrow("Failed to fetch");
  await expect(signUp(foreign)).rejects.toThrow("Failed to fetch");
  for (const name of ["logout", "refresh"]) {
    const text = await submitForm(foreign, `${deployment.api}/api/v1/auth/${name}`);
    expect(text).toContain("FORBIDDEN_ORIGIN");
    await foreign.goto(deployment.foreign);
  }

  await page.reload();
  await createClient(page, deployment.url);
  expect(await titles(page)).toEqual(["Water the plants"]);
  await page.evaluate("client.session.signOut()");
  expect(await cookiesOf(context)).toEqual([]);
  await page.reload();
  await createClient(page, deployment.url);
  expect(await statusOf(page)).toBe("signedOut");
};

/** Starts nginx before a server, with the configuration of the document. @param port that of all its sites */
const startProxy = async (
  server: TestServer,
  port: number,
  edit: (configuration: string) => string = (text) => text,
): Promise<void> => {
  const folder = await temporaryFolder();
  await writePage(join(folder, "app"));
  const documented = edit(textOf("tests/e2e/deployments/nginx.conf"))
    .replaceAll("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
    .replaceAll("http://127.0.0.1:8000", server.url)
    .replaceAll("/srv/app", join(folder, "app"));
  // The first one serves all other names, such as evil.example.
  const others = `server { listen 127.0.0.1:${port} ssl; root ${join(folder, "app")}; }`;
  onTestFinished(await startNginx(folder, others + documented));
};

/** Starts nginx, and behind it a server that allows the pages of https://app.example.com. */
const startBehindProxy = async (
  env: Record<string, string> = {},
  edit?: (configuration: string) => string,
) => {
  const port = await freePort();
  const app = `https://app.example.com:${port}`;
  const server = await newServer({ TRUST_PROXY: "127.0.0.1", CORS_ORIGINS: app, ...env });
  await startProxy(server, port, edit);
  return { server, port, app };
};

describe.skipIf(lacksPrograms)("in Chromium, a session works in the deployment", () => {
  test.each([
    ["same origin behind nginx", "", "/trpc"],
    ["same origin behind nginx, below a path prefix", "/backend", "/backend/trpc"],
  ])("%s", async (_, prefix, path) => {
    const { app, port } = await startBehindProxy({ CORS_ORIGINS: "https://other.example" });
    await expectSession({
      page: app,
      url: prefix,
      api: app + prefix,
      foreign: `https://evil.example:${port}`,
      cookie: { domain: "app.example.com", path, sameSite: "Strict" },
    });
  });

  test.each([
    ["Vite's proxy", "", "/trpc"],
    ["Vite's proxy, below a path prefix", "/backend", "/backend/trpc"],
  ])("%s", async (_, prefix, path) => {
    const server = await newServer();
    const folder = await temporaryFolder();
    await writePage(folder);
    const proxy = Object.entries(viteConfig.server?.proxy ?? {}).map(([name, entry]) => [
      name,
      typeof entry === "string" ? server.url : { ...entry, target: server.url },
    ]);
    const vite = await createServer({
      configFile: false,
      root: folder,
      logLevel: "silent",
      server: { port: await freePort(), strictPort: true, proxy: Object.fromEntries(proxy) },
    });
    onTestFinished(() => vite.close());
    await vite.listen();
    const [address = ""] = vite.resolvedUrls?.local ?? [];
    const origin = new URL(address).origin;
    expect(origin).toMatch(/^http:\/\/localhost:/);
    const foreign = await servePage();
    onTestFinished(foreign.close);
    await expectSession({
      page: origin,
      url: prefix,
      api: origin + prefix,
      foreign: `http://evil.example:${foreign.port}`,
      cookie: { domain: "localhost", path, sameSite: "Strict" },
    });
  });

  test("the server on another port of localhost", async () => {
    const site = await servePage();
    onTestFinished(site.close);
    const server = await newServer({ CORS_ORIGINS: `http://localhost:${site.port}` });
    const url = server.url.replace("127.0.0.1", "localhost");
    await expectSession({
      page: `http://localhost:${site.port}`,
      url,
      api: url,
      foreign: `http://evil.example:${site.port}`,
      cookie: { domain: "localhost", path: "/trpc", sameSite: "Strict" },
    });
  });

  test.each(["https://evil.example", "https://blog.example.com"])(
    "subdomain, and %s is foreign",
    async (foreign) => {
      const { app, port } = await startBehindProxy();
      const api = `https://api.example.com:${port}`;
      await expectSession({
        page: app,
        url: api,
        api,
        foreign: `${foreign}:${port}`,
        cookie: { domain: "api.example.com", path: "/trpc", sameSite: "Strict" },
      });
    },
  );

  test("another site, with COOKIE_SAME_SITE=none", async () => {
    const { app, port } = await startBehindProxy({ COOKIE_SAME_SITE: "none" });
    const api = `https://api.other.example:${port}`;
    await expectSession({
      page: app,
      url: api,
      api,
      foreign: `https://evil.example:${port}`,
      cookie: { domain: "api.other.example", path: "/trpc", sameSite: "None" },
    });
  });
});

describe.skipIf(lacksPrograms)("in Chromium, a reload ends the session", () => {
  const expectLost = async (address: string, url: string, cookies: number): Promise<void> => {
    const context = await newContext();
    const page = await open(context, address, url);
    await signUp(page);
    expect(await context.cookies()).toHaveLength(cookies);
    await page.reload();
    await createClient(page, url);
    expect(await statusOf(page)).toBe("signedOut");
  };

  test.each([
    ["COOKIE_SAME_SITE is strict", "strict"],
    ["COOKIE_SAME_SITE is lax", "lax"],
  ])("if the page is of another site, and %s", async (_, value) => {
    const { app, port } = await startBehindProxy({ COOKIE_SAME_SITE: value });
    await expectLost(app, `https://api.other.example:${port}`, 0);
  });

  test("if a proxy adds a path prefix, and does not add it to the cookie's path", async () => {
    const { app } = await startBehindProxy({}, (text) => text.replace(/proxy_cookie_path.*/, ""));
    await expectLost(app, "/backend", 1);
  });

  test.each([
    ["localhost", "127.0.0.1"],
    ["127.0.0.1", "localhost"],
    ["app.localhost", "api.localhost"],
    ["localhost", "api.localhost"],
  ])("if the page is at %s, and the server at %s", async (pageHost, serverHost) => {
    const site = await servePage();
    onTestFinished(site.close);
    const origin = `http://${pageHost}:${site.port}`;
    const server = await newServer({ CORS_ORIGINS: origin });
    await expectLost(origin, server.url.replace("127.0.0.1", serverHost), 0);
  });
});

describe.skipIf(lacksPrograms)(
  "in Chromium, 20 lists with different filters of a page of another origin",
  () => {
    const query = "(_, i) => client.task.list.query({ limit: i + 1, q: 'word ' + i })";
    const numbers = "Array.from({ length: 20 })";

    test.each([
      ["at once", `Promise.all(${numbers}.map(${query}))`],
      [
        "one after another",
        `${numbers}.reduce((before, each, i) => before.then(() => (${query})(each, i)), Promise.resolve())`,
      ],
    ])("%s cost at most 2 preflights", async (_, lists) => {
      const site = await servePage();
      onTestFinished(site.close);
      const origin = `http://localhost:${site.port}`;
      const server = await newServer({ CORS_ORIGINS: origin });
      const page = await open(
        await newContext(),
        origin,
        server.url.replace("127.0.0.1", "localhost"),
      );
      await signUp(page);
      const requests = (method: string): number =>
        server.log.filter((line) => line["method"] === method).length;
      const before = { POST: requests("POST"), OPTIONS: requests("OPTIONS") };
      await page.evaluate(`${lists}.then(() => {})`);
      await expect.poll(() => requests("POST") - before.POST).toBeGreaterThan(1);
      expect([1, 2]).toContain(requests("OPTIONS") - before.OPTIONS);
    });
  },
);
