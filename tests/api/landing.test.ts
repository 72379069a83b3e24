import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/client/http.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const landing = { name: "taskwire", documentation: "/docs", openapi: "/openapi.json" };

const request = (accept: string | undefined, method = "GET", path = "/") =>
  send(server.url, { method, path, headers: accept === undefined ? {} : { accept } });

describe("a client that prefers HTML is redirected from / to the documentation", () => {
  test.each([
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html",
    "TEXT/HTML",
    "text/*",
    "application/json;q=0.5, text/html",
    "text/html, */*;q=0.1",
    "text/html;q=0.5, application/json;q=0",
  ])("for Accept: %s", async (accept) => {
    const { status, headers } = await request(accept);
    expect(status).toBe(302);
    expect(headers.get("location")).toBe("/docs");
    expect((await request(accept, "GET", "/docs")).status).toBe(200);
  });
});

describe("any other client gets the names of the documents as JSON", () => {
  test.each([
    undefined,
    "",
    "*/*",
    "application/json",
    "application/*",
    "application/json, text/html;q=0.5",
    "text/html;q=0.5, */*",
    "text/html;q=0, */*",
    "image/png",
    "nonsense",
  ])("for Accept: %s", async (accept) => {
    const { status, headers, text } = await request(accept);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(JSON.parse(text)).toEqual(landing);
  });
});

test.each([
  ["text/html", 302],
  ["*/*", 200],
])("HEAD / with Accept: %s has the status %i and no body", async (accept, expected) => {
  const { status, headers, text } = await request(accept, "HEAD");
  expect(status).toBe(expected);
  expect(headers.get("location")).toBe(expected === 302 ? "/docs" : null);
  expect(text).toBe("");
});

test.each(["text/html", "*/*"])(
  "Accept: %s varies the response, as Origin does",
  async (accept) => {
    const { headers } = await request(accept);
    expect(headers.get("vary")?.split(/, */).toSorted()).toEqual(["Accept", "Origin"]);
  },
);

test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
  "%s / lists the path's methods in Allow, as on /health",
  async (method) => {
    const [root, health] = await Promise.all(
      ["/", "/health"].map((path) => request("*/*", method, path)),
    );
    expect(root?.status).toBe(method === "OPTIONS" ? 204 : 405);
    expect(root?.headers.get("allow")).toBe("GET");
    expect(root).toMatchObject({ status: health?.status, text: health?.text });
  },
);

test("the OpenAPI document does not list /", async () => {
  const { text } = await request("*/*", "GET", "/openapi.json");
  const { paths } = JSON.parse(text) as { paths: Record<string, unknown> };
  expect(Object.keys(paths)).not.toContain("/");
  expect(Object.keys(paths).length).toBeGreaterThan(10);
});
