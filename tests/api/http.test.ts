import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operationsIn, contract } from "../support/conformance/contract.ts";
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

/** Bytes on a socket, for what fetch would never send; the whole answer. */
const sendRaw = async (bytes: string): Promise<string> => {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(bytes);
  await once(socket, "close");
  return answer;
};

const register = "/api/v1/auth/register";

describe("paths and methods", () => {
  test.each([
    "/",
    "/nope",
    "/api/v1",
    "/api/v1/auth",
    "/api/v1/auth/register/",
    "/API/v1/auth/me",
    "/trpc",
    "/%E0%A4%A",
  ])("%s is not found, and not echoed", async (path) => {
    const { status, body, headers } = await send(path);
    expect(status).toBe(404);
    expect(body).toEqual({ code: "NOT_FOUND", detail: "Not found" });
    expect(headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
  });

  const served = Map.groupBy(operationsIn(contract), ({ path }) => path);

  test.each([...served].map(([path, group]) => [path, group.map(({ method }) => method)] as const))(
    "%s takes its own methods only, and names them",
    async (path, methods) => {
      const refusal = { code: "METHOD_NOT_ALLOWED", detail: "Method not allowed" };
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
        // fetch drops the body of an answer to HEAD, as Node's server does.
        expect(body).toEqual(method === "HEAD" ? {} : refusal);
      }
    },
  );

  test("a plain OPTIONS names the methods", async () => {
    const { status, headers } = await send(register, { method: "OPTIONS" });
    expect(status).toBe(204);
    expect(headers.get("allow")).toBe("POST");
  });
});

describe("bodies", () => {
  const good = JSON.stringify({ email: "body@example.com", password: "correct horse" });

  test.each([
    ["broken JSON", '{"email":'],
    ["no JSON", "email=a"],
    ["nothing", ""],
    ["bytes that are no UTF-8 text", new Uint8Array([0x1f, 0x8b, 0x08, 0x00, 0xff])],
  ])("%s is not valid", async (_, body) => {
    const answer = await post(register, "application/json", body);
    expect(answer).toMatchObject({ status: 422, body: { code: "VALIDATION_ERROR" } });
    expect(answer.body["detail"]).not.toMatch(/unexpected|token|position|proto/i);
  });

  test("a poisoned prototype is dropped on both transports", async () => {
    for (const [i, path] of [register, "/trpc/auth.register"].entries()) {
      const rest = `"email":"poison${i}@example.com","password":"correct horse"`;
      const poison = '"__proto__":{"name":"a"},"constructor":{"prototype":{"name":"b"}}';
      const answer = await post(path, "application/json", `{${poison},${rest}}`);
      expect(answer.text).toContain('"name":null');
    }
  });

  test.each([
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "nonsense",
    undefined,
  ])("JSON sent as %s is refused", async (type) => {
    const answer = await post(register, type, new TextEncoder().encode(good));
    expect(answer).toMatchObject({ status: 415, body: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  });

  test("a form is refused where JSON is wanted, and JSON where a form is", async () => {
    const answer = await post("/api/v1/auth/login", "application/json", good);
    expect(answer).toMatchObject({ status: 415, body: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  });

  test.each([
    ["with its length", {}],
    ["in chunks", { duplex: "half" }],
  ])("of more than 64 KiB, sent %s, is too large on both transports", async (_, init) => {
    for (const path of [register, "/trpc/auth.register"]) {
      const text = `{"email":"${"a".repeat(70_000)}"}`;
      const body = "duplex" in init ? new Blob([text]).stream() : text;
      const answer = await send(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        ...init,
      } as RequestInit);
      expect(answer.status).toBe(413);
      expect(answer.text).toContain('"code":"PAYLOAD_TOO_LARGE"');
    }
  });

  test.each([undefined, "application/json", "text/plain"])(
    "sent as %s to an operation that takes none are dropped",
    async (type) => {
      for (const body of ["", "{", '{"a":1}']) {
        expect(
          (await post("/api/v1/auth/logout", type, new TextEncoder().encode(body))).status,
        ).toBe(200);
      }
    },
  );

  test("a form may bring what OAuth2 clients add, but a field only once", async () => {
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
    for (const broken of ["username=%ZZ&password=x", "username=%E0%A4%A&password=x"]) {
      expect([401, 422]).toContain((await form(broken)).status);
    }
    expect(await form("email=a&password=x")).toMatchObject({
      status: 422,
      body: { field: "username" },
    });
  });
});

describe("what is no HTTP", () => {
  test.each([
    ["nonsense", "nonsense\r\n\r\n", "400 Bad Request"],
    [
      "headers of 20 kB",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      "431 Request Header",
    ],
  ])("%s is answered in the contract's shape", async (_, bytes, status) => {
    const answer = await sendRaw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toEqual({
      code: expect.any(String),
      detail: expect.any(String),
    });
  });
});

describe("headers", () => {
  test("say that nothing is sniffed, framed, cached or advertised", async () => {
    const { headers } = await send("/api/v1/auth/me");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("server")).toBeNull();
    expect(headers.get("x-powered-by")).toBeNull();
  });

  test("echo a caller's request id, unless it could break a log", async () => {
    const idFor = async (given: string) =>
      (await send("/health", { headers: { "x-request-id": given } })).headers.get("x-request-id");
    expect(await idFor("trace-1.2_3")).toBe("trace-1.2_3");
    for (const bad of ["a b", "x".repeat(65), "[31m", '"']) expect(await idFor(bad)).not.toBe(bad);
  });

  test("allow a listed origin with credentials, and give another nothing", async () => {
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
      expect(listed.headers.get("vary")).toContain("Origin");
      const other = await preflight("https://evil.example", path);
      expect(
        [...other.headers.keys()].filter((name) => name.startsWith("access-control-")),
      ).toEqual([]);
      const answer = await send(path, { headers: { origin: "http://localhost:5173" } });
      expect(answer.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
      expect(answer.headers.get("vary")).toContain("Origin");
    }
  });
});

describe("beside the API", () => {
  test("/health answers", async () => {
    expect((await send("/health")).body).toEqual({ status: "healthy" });
    expect((await send("/health/live")).body).toEqual({ status: "healthy" });
    expect((await send("/health/ready")).body).toEqual({ status: "ready" });
  });

  test.each(["/docs", "/redoc"])(
    "%s is a page whose every part comes from this server",
    async (path) => {
      const { status, headers, text } = await send(path);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toContain("text/html");
      expect(headers.get("content-security-policy")).toContain("script-src 'self'");
      const parts = [...text.matchAll(/(?:src|href|spec-url)="([^"]+)"/g)].map(
        ([, url]) => url ?? "",
      );
      for (const part of parts.filter((url) => !url.startsWith("data:"))) {
        expect(part).toMatch(/^\//);
        expect((await send(part)).status).toBe(200);
      }
    },
  );

  test("serves nothing else of the bundles' folders", async () => {
    for (const path of [
      "/docs/assets/package.json",
      "/redoc/assets/../package.json",
      "/docs/assets/",
    ]) {
      expect(await send(path)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    }
  });
});

test("a request is one log line, without query, header or body", async () => {
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
      path: "/api/v1/auth/login",
      status: 401,
      ms: expect.any(Number),
      address: "127.0.0.1",
      msg: "Request answered",
    },
  ]);
  expect(JSON.stringify(server.log)).not.toContain("-secret");
});
