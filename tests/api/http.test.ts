import { once } from "node:events";
import { connect } from "node:net";
import { buildApp } from "@taskwire/server/app.ts";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { send as sendUnchanged } from "../support/client/http.ts";
import { operationsIn, contract } from "../support/conformance/contract.ts";
import { required } from "../support/setup/required.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const send = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(server.url + path, init);
  const text = await response.text();
  const { status, headers } = response;
  const isJson = headers.get("content-type")?.startsWith("application/json") ?? false;
  const body = isJson && text !== "" ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status, headers, text, body };
};

const post = (path: string, type: string | undefined, body: string | Uint8Array<ArrayBuffer>) =>
  send(path, { method: "POST", headers: type === undefined ? {} : { "content-type": type }, body });

/** Sends bytes that fetch would not send, and returns everything that the server sends until it closes the socket. */
const sendRaw = async (bytes: string): Promise<string> => {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
  socket.write(bytes);
  await once(socket, "close");
  return received;
};

const register = "/api/v1/auth/register";
const methodNotAllowed = { code: "METHOD_NOT_ALLOWED", detail: "Method not allowed" };

describe("paths and methods", () => {
  test.each([
    "/index.html",
    "/nope",
    "/api/v1",
    "/api/v1/auth",
    "/API/v1/auth/me",
    "/trpc",
    "/%E0%A4%A",
  ])("the unknown path %s gets 404 without being quoted", async (path) => {
    const { status, body, headers } = await send(path);
    expect(status).toBe(404);
    expect(body).toEqual({ code: "NOT_FOUND", detail: "Not found" });
    expect(headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
  });

  const served = Map.groupBy(operationsIn(contract), ({ path }) => path);

  test.each([...served].map(([path, group]) => [path, group.map(({ method }) => method)] as const))(
    "%s rejects other methods with 405, and lists its own in Allow",
    async (path, methods) => {
      const others = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter(
        (method) => !methods.includes(method),
      );
      for (const method of [...others, ...(methods.includes("GET") ? [] : ["HEAD"])]) {
        const { status, body, headers } = await send(path.replace(/\{\w+\}/g, "1"), {
          method,
          headers: { "x-http-method-override": "POST" },
        });
        expect(status).toBe(405);
        expect(headers.get("allow")?.split(", ").toSorted()).toEqual(methods.toSorted());
        // A response to HEAD has no body.
        expect(body).toEqual(method === "HEAD" ? {} : methodNotAllowed);
      }
    },
  );

  test.each([
    "/",
    "/health",
    "/health/live",
    "/health/ready",
    "/.well-known/jwks.json",
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/assets/swagger-ui.css",
    "/redoc",
    "/redoc/assets/redoc.standalone.js",
  ])(
    "%s rejects other methods with 405, whatever their body is, and lists GET in Allow",
    async (path) => {
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"]) {
        const headers = { "content-type": "text/nonsense" };
        const body = method === "TRACE" ? undefined : "{";
        const response = await sendUnchanged(server.url, { method, path, headers, body });
        expect(response.status).toBe(405);
        expect(response.headers.get("allow")).toBe("GET");
        expect(JSON.parse(response.text)).toEqual(methodNotAllowed);
      }
    },
  );

  test.each(["PROPFIND", "MKCOL", "SEARCH", "TRACE"])(
    "%s, which no path has, gets 405 on every path, with Allow",
    async (method) => {
      for (const [path, allow] of [
        ["/nope", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
        ["/api/v1/tasks/1", "DELETE, GET, PATCH, PUT"],
        ["/trpc/auth.me", "GET, HEAD, POST"],
        ["/trpc/nope", "GET, HEAD, POST"],
      ] as const) {
        const response = await sendUnchanged(server.url, { method, path });
        expect(response.status).toBe(405);
        const allowed = response.headers.get("allow")?.split(", ").toSorted();
        expect(allowed).toEqual(allow.split(", ").toSorted());
        expect(response.text).toContain('"code":"METHOD_NOT_ALLOWED"');
      }
    },
  );

  test("an OPTIONS request that is not a preflight gets 204, and lists the methods in Allow", async () => {
    const { status, headers } = await send(register, { method: "OPTIONS" });
    expect(status).toBe(204);
    expect(headers.get("allow")).toBe("POST");
  });
});

describe("a slash too many at the end of a path", () => {
  const origin = "http://localhost:5173";
  // An OPTIONS request with an origin is a preflight.
  const get = (path: string, method = "GET") =>
    sendUnchanged(server.url, { method, path, headers: method === "OPTIONS" ? {} : { origin } });

  test.each([
    ["/api/v1/tasks/?page=2", "/api/v1/tasks?page=2"],
    ["/api/v1/tasks/?q=/a/&tag=%2F/", "/api/v1/tasks?q=/a/&tag=%2F/"],
    ["/api/v1/tasks/1/", "/api/v1/tasks/1"],
    ["/trpc/auth.me/?batch=1", "/trpc/auth.me?batch=1"],
    ["/health/", "/health"],
    ["/docs/", "/docs"],
    ["/caf%C3%A9/%5C/", "/caf%C3%A9/%5C"],
    ["/no//such/path/", "/no//such/path"],
  ])("is redirected with 307, whatever the method: %s", async (path, location) => {
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const { status, headers, text } = await get(path, method);
      expect(status).toBe(307);
      expect(headers.get("location")).toBe(location);
      const allowedOrigin = method === "OPTIONS" ? null : origin;
      expect(headers.get("access-control-allow-origin")).toBe(allowedOrigin);
      expect(text).toBe("");
    }
  });

  test.each([
    "//evil.example/",
    "///evil.example/",
    "//evil.example/%2e%2e/",
    "/\\evil.example/",
    "/\\/evil.example/",
    "http://evil.example/x/",
    "//",
    "/health//",
    "/docs/assets//",
  ])("is not redirected if that could lead elsewhere, or if there are two: %s", async (path) => {
    const { status, headers } = await get(path);
    expect(status).toBe(404);
    expect(headers.get("location")).toBeNull();
  });

  test("is only that of the path, not of the query", async () => {
    expect((await get("/health?next=/")).status).toBe(200);
    expect((await get("/?next=/")).status).toBe(200);
  });

  test("does not stop a preflight, so that a page of another origin can follow the redirect", async () => {
    const headers = { origin, "access-control-request-method": "PUT" };
    const response = await sendUnchanged(server.url, {
      method: "OPTIONS",
      path: "/api/v1/tasks/1/",
      headers,
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
  });
});

describe("bodies", () => {
  const valid = JSON.stringify({ email: "body@example.com", password: "correct horse" });

  test.each([
    ["broken JSON", '{"email":'],
    ["a form sent as JSON", "email=a"],
    ["an empty body", ""],
    ["bytes that are not UTF-8", new Uint8Array([0x1f, 0x8b, 0x08, 0x00, 0xff])],
  ])("%s is rejected with 422, without the parser's message", async (_, body) => {
    const response = await post(register, "application/json", body);
    expect(response).toMatchObject({ status: 422, body: { code: "VALIDATION_ERROR" } });
    expect(response.body["detail"]).not.toMatch(/unexpected|token|position|proto/i);
  });

  test("__proto__ and constructor keys are ignored on both transports", async () => {
    for (const [i, path] of [register, "/trpc/auth.register"].entries()) {
      const rest = `"email":"poison${i}@example.com","password":"correct horse"`;
      const poison = '"__proto__":{"name":"a"},"constructor":{"prototype":{"name":"b"}}';
      const response = await post(path, "application/json", `{${poison},${rest}}`);
      expect(response.text).toContain('"name":null');
    }
  });

  test.each([
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "nonsense",
    undefined,
  ])("JSON sent as %s is rejected with 415", async (type) => {
    const response = await post(register, type, new TextEncoder().encode(valid));
    expect(response).toMatchObject({ status: 415, body: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  });

  test("JSON sent to an operation that requires a form is rejected with 415", async () => {
    const response = await post("/api/v1/auth/login", "application/json", valid);
    expect(response).toMatchObject({ status: 415, body: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  });

  test.each([
    ["with its length", {}],
    ["in chunks", { duplex: "half" }],
  ])(
    "a body of more than 64 KiB sent %s is rejected with 413 on both transports",
    async (_, init) => {
      for (const path of [register, "/trpc/auth.register"]) {
        const text = `{"email":"${"a".repeat(70_000)}"}`;
        const body = "duplex" in init ? new Blob([text]).stream() : text;
        const response = await send(path, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
          ...init,
        } as RequestInit);
        expect(response.status).toBe(413);
        expect(response.text).toContain('"code":"PAYLOAD_TOO_LARGE"');
      }
    },
  );

  test.each([undefined, "application/json", "text/plain"])(
    "a body with the type %s sent to an operation without a body is ignored",
    async (type) => {
      for (const body of ["", "{", '{"a":1}']) {
        expect(
          (await post("/api/v1/auth/logout", type, new TextEncoder().encode(body))).status,
        ).toBe(200);
      }
    },
  );

  test("a form may have the extra fields of OAuth2 clients, a malformed escape is text, and a repeated, unstorable or missing field is rejected", async () => {
    const form = (text: string) =>
      post("/api/v1/auth/login", "application/x-www-form-urlencoded", text);
    const full = await form(
      "grant_type=password&scope=&client_id=&username=a%40example.com&password=x",
    );
    expect(full).toMatchObject({ status: 401, body: { code: "INVALID_CREDENTIALS" } });
    const twice = await form("username=a&username=b&password=x");
    expect(twice).toMatchObject({
      status: 422,
      body: { code: "VALIDATION_ERROR", field: "username" },
    });
    for (const escaped of ["username=%ZZ&password=x", "username=%E0%A4%A&password=x"]) {
      expect(await form(escaped)).toMatchObject({
        status: 401,
        body: { code: "INVALID_CREDENTIALS" },
      });
    }
    expect(await form("username=a%00&password=x")).toMatchObject({
      status: 422,
      body: { code: "VALIDATION_ERROR", field: "username" },
    });
    expect(await form("email=a&password=x")).toMatchObject({
      status: 422,
      body: { field: "username" },
    });
  });
});

describe("invalid HTTP", () => {
  test.each<[name: string, bytes: string, status: string, code?: string]>([
    ["a line of text", "nonsense\r\n\r\n", "400 Bad Request"],
    [
      "a request with headers of 20 kB",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      "431 Request Header",
      "PAYLOAD_TOO_LARGE",
    ],
    ["HTTP/1.1 without a Host header", "GET /health HTTP/1.1\r\n\r\n", "400 Bad Request"],
    [
      "a request with two Host headers",
      "GET /health HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
      "400 Bad Request",
    ],
    [
      "a tRPC call with two Host headers",
      "GET /trpc/auth.me HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "400 Bad Request",
    ],
    [
      "an unknown path without a Host header",
      "GET /nope HTTP/1.1\r\nX: y\r\n\r\n",
      "400 Bad Request",
    ],
    [
      "an unknown Expect header",
      "POST /health HTTP/1.1\r\nHost: a\r\nExpect: nonsense\r\nContent-Length: 1\r\n\r\nx",
      "417 Expectation Failed",
    ],
  ])(
    "%s gets an error response in the contract's format",
    async (_, bytes, status, code = "VALIDATION_ERROR") => {
      const response = await sendRaw(bytes);
      expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
      expect(JSON.parse(required(response.split("\r\n\r\n")[1], "a body"))).toEqual({
        code,
        detail: expect.any(String),
      });
    },
  );
});

test.each([
  ["HTTP/1.0 without a Host header", "GET /health HTTP/1.0\r\n\r\n", "200 OK"],
  [
    "a request with Expect: 100-continue",
    "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-Continue\r\n\r\n",
    "100 Continue",
  ],
])("%s is accepted", async (_, bytes, status) => {
  const response = await sendRaw(bytes);
  expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
  expect(response).toContain('{"status":"healthy"}');
});

test("the server sets a maximum of 10,000 sockets, beyond which Node closes them", async () => {
  const app = await buildApp(server.deps);
  onTestFinished(() => app.close());
  // The limit is Node's own. Opening so many sockets would need more file descriptors than most systems allow.
  expect(app.server.maxConnections).toBe(10_000);
});

describe("headers", () => {
  test("forbid sniffing, framing and caching, and do not name the server software", async () => {
    const { headers } = await send("/api/v1/auth/me");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("server")).toBeNull();
    expect(headers.get("x-powered-by")).toBeNull();
  });

  test("repeat the client's request id if it has only safe characters", async () => {
    const idFor = async (sent: string) =>
      (await send("/health", { headers: { "x-request-id": sent } })).headers.get("x-request-id");
    expect(await idFor("trace-1.2_3")).toBe("trace-1.2_3");
    for (const unsafe of ["a b", "x".repeat(65), "[31m", '"'])
      expect(await idFor(unsafe)).not.toBe(unsafe);
  });

  test("allow a listed origin with credentials, and have no CORS header for another origin", async () => {
    const preflight = (origin: string, path: string) =>
      send(path, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type",
        },
      });
    for (const path of [register, "/trpc/auth.register"]) {
      const listed = await preflight("http://localhost:5173", path);
      expect(listed.status).toBe(204);
      expect(listed.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
      expect(listed.headers.get("access-control-allow-credentials")).toBe("true");
      expect(listed.headers.get("access-control-allow-methods")).toBe(
        "GET, POST, PUT, PATCH, DELETE, OPTIONS",
      );
      expect(listed.headers.get("access-control-allow-headers")).toBe(
        "Content-Type, Authorization",
      );
      expect(listed.headers.get("access-control-max-age")).toBe("7200");
      expect(listed.headers.get("vary")).toContain("Origin");
      const other = await preflight("https://evil.example", path);
      expect(
        [...other.headers.keys()].filter((name) => name.startsWith("access-control-")),
      ).toEqual([]);
      const response = await send(path, { headers: { origin: "http://localhost:5173" } });
      expect(response.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
      expect(response.headers.get("vary")).toContain("Origin");
    }
  });
});

describe("outside the API", () => {
  test("/health, /health/live and /health/ready report a healthy server", async () => {
    expect((await send("/health")).body).toEqual({ status: "healthy" });
    expect((await send("/health/live")).body).toEqual({ status: "healthy" });
    expect((await send("/health/ready")).body).toEqual({
      status: "ready",
      checks: { database: "ok", migrations: "ok", draining: false },
    });
  });

  test.each(["/docs", "/redoc"])(
    "%s is a page that loads all its parts from this server",
    async (path) => {
      const { status, headers, text } = await send(path);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toContain("text/html");
      expect(headers.get("content-security-policy")).toContain("script-src 'self'");
      const urls = [...text.matchAll(/(?:src|href|spec-url)="([^"]+)"/g)].map(
        ([, url]) => url ?? "",
      );
      const parts = urls.filter((each) => !each.startsWith("data:"));
      expect(parts.length).toBeGreaterThan(1);
      for (const url of parts) {
        expect(url).toMatch(/^\//);
        expect((await send(url)).status).toBe(200);
      }
    },
  );

  test("other files of the documentation bundles get 404", async () => {
    for (const path of [
      "/docs/assets/package.json",
      "/redoc/assets/../package.json",
      "/docs/assets/",
    ]) {
      expect(await send(path)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    }
  });
});

describe.each(["/docs/assets", "/redoc/assets"])("below %s", (prefix) => {
  test.each([
    "/%2e%2e/x",
    "/..%2fx",
    "//",
    "//x",
    "/./x",
    "/.x",
    "/%2e",
    "/%00",
    "/x%00.css",
    "/%5c",
    "/..%5cx",
    "/%ff",
    "/x/y",
  ])("a path that is no file gets 404: %s", async (path) => {
    const response = await sendUnchanged(server.url, { method: "GET", path: prefix + path });
    expect(response.status).toBe(404);
    expect(JSON.parse(response.text)).toEqual({ code: "NOT_FOUND", detail: "Not found" });
  });
});

test.each([{ range: "bytes=99999999-" }, { "if-match": '"x"' }])(
  "a request for an asset with %o that cannot be met gets 422",
  async (headers) => {
    const response = await send("/docs/assets/swagger-ui.css", { headers });
    expect(response).toMatchObject({ status: 422, body: { code: "VALIDATION_ERROR" } });
    expect(server.log.filter(({ level }) => level === "error")).toEqual([]);
  },
);

test("a request is logged as one line without query, headers and body", async () => {
  const id = "log-line-test";
  await send("/api/v1/auth/login?refresh_token=query-secret", {
    method: "POST",
    headers: {
      "x-request-id": id,
      "content-type": "application/x-www-form-urlencoded",
      authorization: "Bearer header-secret",
      cookie: "refresh_token=cookie-secret",
      "user-agent": "line\tone",
    },
    body: "username=a%0Ab&password=password-secret",
  });
  const lines = server.log.filter(({ request_id, level }) => request_id === id && level === "info");
  expect(lines).toEqual([
    {
      level: "info",
      time: expect.any(String),
      request_id: id,
      method: "POST",
      transport: "rest",
      procedure: "auth.login",
      route: "/api/v1/auth/login",
      code: "INVALID_CREDENTIALS",
      status: 401,
      ms: expect.any(Number),
      address: "127.0.0.1",
      msg: "Request completed",
    },
  ]);
  expect(JSON.stringify(server.log)).not.toContain("-secret");
});
