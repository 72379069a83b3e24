import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { newRefreshCookieOf, transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const app = "https://app.example.test";
const env = { COOKIE_SAME_SITE: "none", CORS_ORIGINS: app };

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env });
});
afterAll(() => server.close());

const stateOf = async () => {
  const em = server.deps.orm.em.fork();
  return [
    await em.execute("select id from users order by id"),
    await em.execute("select id, generation, revoked_at from sessions order by id"),
  ];
};

const password = "correct horse battery";

/** What a browser sends with a POST of a page that CORS_ORIGINS does not list. */
const foreignPages: [string, Record<string, string>][] = [
  ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
  ["another site, without Sec-Fetch-Site", { origin: "https://evil.example" }],
  ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
  ["a sibling domain", { origin: "https://blog.example.test", "sec-fetch-site": "same-site" }],
  ["another site, without Origin", { "sec-fetch-site": "cross-site" }],
  ["a sibling domain, without Origin", { "sec-fetch-site": "same-site" }],
  ["an origin that only begins like a listed one", { origin: `${app}.evil.example` }],
  ["two origins, one of them listed", { origin: `${app}, https://evil.example` }],
];

describe.each(transports)("with COOKIE_SAME_SITE=none, over $name,", (transport) => {
  const procedures = ["auth.register", "auth.login", "auth.refresh", "auth.logout"];
  const requests = procedures.flatMap((procedure) =>
    foreignPages.map(([page, headers]) => ({ procedure, page, headers })),
  );

  test.each(requests)(
    "$procedure of $page gets FORBIDDEN_ORIGIN and changes nothing, with the cookie of a signed-in user",
    async ({ procedure, headers }) => {
      const { email, cookie } = await signedInUser(server, { transport });
      const before = await stateOf();
      const isNew = procedure === "auth.register";
      const input = { email: isNew ? `new-${email}` : email, password };
      const response = await transport.call(server.url, procedure, input, { cookie, headers });
      expectError(response, 403, "FORBIDDEN_ORIGIN");
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect(await stateOf()).toEqual(before);
    },
  );

  test("a listed origin signs in, refreshes and signs out with a cookie that another site sends", async () => {
    const { email } = await signedInUser(server, { transport });
    const call = (procedure: string, input?: unknown, cookie?: string) =>
      transport.call(server.url, procedure, input, {
        cookie,
        headers: { origin: app, "sec-fetch-site": "cross-site" },
      });
    const signedIn = await call("auth.login", { email, password });
    const { value, attributes } = newRefreshCookieOf(signedIn);
    expect(attributes).toMatchObject({
      HttpOnly: true,
      Secure: true,
      SameSite: "None",
      Partitioned: true,
    });
    expect(signedIn.headers.get("access-control-allow-origin")).toBe(app);
    expect(signedIn.headers.get("access-control-allow-credentials")).toBe("true");
    const refreshed = await call("auth.refresh", undefined, value);
    expect(refreshed.error).toBeUndefined();
    const { value: successor } = newRefreshCookieOf(refreshed);
    const signedOut = await call("auth.logout", undefined, successor);
    expect(newRefreshCookieOf(signedOut)).toMatchObject({
      value: "",
      attributes: { "Max-Age": "0", Secure: true, SameSite: "None", Partitioned: true },
    });
  });
});

const urlencoded = "application/x-www-form-urlencoded";
const forms = [urlencoded, "text/plain", "multipart/form-data; boundary=x"];
const rest = (name: string) => `/api/v1/auth/${name}`;
const rpc = (name: string) => `/trpc/auth.${name}`;

// A browser sends forms without a preflight.
describe("with COOKIE_SAME_SITE=none, a form of another site changes nothing, with the cookie of a signed-in user:", () => {
  test.each([
    ...forms.map((type) => [rest("refresh"), type, "FORBIDDEN_ORIGIN"] as const),
    ...forms.map((type) => [rest("logout"), type, "FORBIDDEN_ORIGIN"] as const),
    [rest("login"), urlencoded, "FORBIDDEN_ORIGIN"] as const,
    [rest("login"), "text/plain", "UNSUPPORTED_MEDIA_TYPE"] as const,
    ...forms.map((type) => [rest("register"), type, "UNSUPPORTED_MEDIA_TYPE"] as const),
    ...["register", "login", "refresh", "logout", "refresh,auth.logout"].flatMap((name) =>
      forms.map((type) => [rpc(name), type, "UNSUPPORTED_MEDIA_TYPE"] as const),
    ),
  ])("POST %s with %s gets %s", async (path, type, code) => {
    const { email, cookie } = await signedInUser(server);
    const before = await stateOf();
    const bodies: Record<string, string> = {
      [urlencoded]: new URLSearchParams({ username: email, password }).toString(),
      // A field without a value, whose name is JSON with an = sign in it.
      "text/plain": JSON.stringify({ email: `new-${email}`, password, name: "=" }),
    };
    const { status, headers, text } = await send(server.url, {
      method: "POST",
      path: path.includes(",") ? `${path}?batch=1` : path,
      headers: {
        origin: "https://evil.example",
        "sec-fetch-site": "cross-site",
        cookie: `refresh_token=${cookie}`,
        "content-type": type,
      },
      body: bodies[type] ?? `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n`,
    });
    expect(text).toContain(`"code":"${code}"`);
    expect(status).toBe(code === "FORBIDDEN_ORIGIN" ? 403 : 415);
    expect(headers.getSetCookie()).toEqual([]);
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(await stateOf()).toEqual(before);
  });

  test.each([rest("logout"), rpc("logout"), rest("refresh"), rpc("refresh")])(
    "a link to %s gets METHOD_NOT_ALLOWED",
    async (path) => {
      const { cookie } = await signedInUser(server);
      const before = await stateOf();
      const { status, headers } = await send(server.url, {
        method: "GET",
        path,
        headers: { "sec-fetch-site": "cross-site", cookie: `refresh_token=${cookie}` },
      });
      expect(status).toBe(405);
      expect(headers.getSetCookie()).toEqual([]);
      expect(await stateOf()).toEqual(before);
    },
  );
});

test.each([
  ["strict", "Strict"],
  ["lax", "Lax"],
])("with COOKIE_SAME_SITE=%s, the cookie has SameSite=%s", async (setting, attribute) => {
  const other = await startServer({ env: { COOKIE_SAME_SITE: setting } });
  onTestFinished(other.close);
  for (const transport of transports) {
    const { email } = await signedInUser(other, { transport });
    const response = await transport.call(other.url, "auth.login", { email, password });
    expect(newRefreshCookieOf(response).attributes).toMatchObject({ SameSite: attribute });
  }
});

describe("the log", () => {
  const message = "Origin rejected: if its pages may call the API, add it to CORS_ORIGINS";

  const startWithLog = async () => {
    const started = await startServer({ env });
    onTestFinished(started.close);
    const request = (method: string, path: string, headers: Record<string, string>) =>
      send(started.url, { method, path, headers });
    const warnings = () => started.log.filter(({ msg }) => msg === message);
    return { started, request, warnings };
  };

  test.each([
    ["a preflight", "OPTIONS", "/trpc/task.list", { "access-control-request-method": "POST" }],
    ["a request without a preflight", "GET", "/api/v1/tasks", {}],
    ["a call that gets FORBIDDEN_ORIGIN", "POST", "/api/v1/auth/refresh", {}],
  ])("names a rejected origin once: %s", async (_, method, path, headers) => {
    const { request, warnings } = await startWithLog();
    for (const origin of ["https://new.example", "https://other.example", "https://new.example"])
      await request(method, path, { ...headers, origin });
    expect(warnings()).toMatchObject([
      { level: "warn", origin: "https://new.example" },
      { level: "warn", origin: "https://other.example" },
    ]);
  });

  test("names no origin that is listed, nor the server's own, nor a request without Origin", async () => {
    const { started, request, warnings } = await startWithLog();
    await request("GET", "/api/v1/tasks", { origin: app });
    await request("GET", "/api/v1/tasks", { origin: started.url });
    await request("GET", "/api/v1/tasks", {
      origin: "https://proxy.example",
      "sec-fetch-site": "same-origin",
    });
    await request("GET", "/docs", { "sec-fetch-site": "cross-site" });
    expect(warnings()).toEqual([]);
  });

  test("has at most 20 such lines, of short printable text", async () => {
    const { request, warnings } = await startWithLog();
    await request("GET", "/health", { origin: `https://\u00e9\t\u009b${"x".repeat(300)}` });
    for (let i = 0; i < 30; i++)
      await request("GET", "/health", { origin: `https://${i}.example` });
    expect(warnings()).toHaveLength(20);
    expect(warnings()[0]).toMatchObject({ origin: `https://???${"x".repeat(189)}` });
  });
});
