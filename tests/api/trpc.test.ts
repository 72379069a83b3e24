import { type AppRouter } from "@taskwire/server/rpc/router.ts";
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  TRPCClientError,
} from "@trpc/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

interface Sent {
  status: number;
  headers: Headers;
  text: string;
  /** The data of the error, for a single call. */
  data: Record<string, unknown> | undefined;
}

const send = async (path: string, init: RequestInit = {}): Promise<Sent> => {
  const response = await fetch(`${server.url}/trpc/${path}`, init);
  const text = await response.text();
  const body =
    text === "" ? {} : (JSON.parse(text) as { error?: { data: Record<string, unknown> } });
  return { status: response.status, headers: response.headers, text, data: body.error?.data };
};

const json = { "content-type": "application/json" };

describe("the standard client", () => {
  test.each([
    ["one by one", httpLink],
    ["in batches", httpBatchLink],
    ["in batches that it asks to stream", httpBatchStreamLink],
  ] as const)("calls procedures %s, with typed results and errors", async (_, link) => {
    const { token, email, id } = await signedInUser(server);
    const client = createTRPCClient<AppRouter>({
      links: [link({ url: `${server.url}/trpc`, headers: { authorization: `Bearer ${token}` } })],
    });
    const [me, again] = await Promise.all([client.auth.me.query(), client.auth.me.query()]);
    expect(me).toMatchObject({ id, email });
    expect(again).toEqual(me);
    await expect(client.auth.login.mutate({ email, password: "wrong" })).rejects.toSatisfy(
      (error) =>
        error instanceof TRPCClientError &&
        error.message === "Invalid email or password" &&
        error.data.code === "INVALID_CREDENTIALS",
    );
  });

  test("gets 207 with each call's own result for a batch that partly fails", async () => {
    const { token } = await signedInUser(server);
    const response = await fetch(`${server.url}/trpc/auth.me,auth.nope?batch=1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(207);
    expect(await response.json()).toMatchObject([
      { result: { data: { id: expect.any(String) } } },
      { error: { data: { code: "NOT_FOUND" } } },
    ]);
  });
});

describe.each(["trpc-accept", "accept"])("a batch that asks for a stream with %s", (name) => {
  const call = (path: string, inputs: object, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/trpc/${path}?batch=1`, {
      method: "POST",
      headers: { ...json, [name]: "application/jsonl", ...headers },
      body: JSON.stringify(inputs),
    });

  test("gets the headers that its calls set: the cookies of auth.login, auth.refresh and auth.logout", async () => {
    const { email, password } = await signedInUser(server);
    const login = await call("auth.login", { 0: { email, password } });
    expect(await login.text()).toContain('"token_type":"bearer"');
    const [cookie = ""] = login.headers.getSetCookie();
    expect(cookie).toMatch(/^refresh_token=[^;]+; Max-Age=604800; Path=\/trpc; HttpOnly;/);

    const sent = { cookie: cookie.split(";", 1)[0] ?? "" };
    const refresh = await call("auth.refresh", {}, sent);
    expect(await refresh.text()).toContain('"token_type":"bearer"');
    expect(refresh.headers.getSetCookie()).toHaveLength(1);
    expect(refresh.headers.get("vary")).toContain("Origin");

    const logout = await call("auth.logout", {}, sent);
    expect(await logout.text()).toContain("Successfully logged out");
    expect(logout.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^refresh_token=; Max-Age=0; Path=\/trpc; HttpOnly;/),
    ]);
  });

  test("gets one whole response, with its length", async () => {
    const response = await call("auth.logout,auth.logout", {});
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
    expect(response.headers.get("transfer-encoding")).toBeNull();
  });
});

describe("rejects, in tRPC's format,", () => {
  test("a batch of more than ten calls", async () => {
    const { status, data } = await send(`${Array(11).fill("auth.me").join(",")}?batch=1`);
    expect(status).toBe(422);
    expect(data).toMatchObject({
      code: "VALIDATION_ERROR",
      detail: "A batch has at most 10 calls",
    });
  });

  test.each([
    "text/plain",
    "application/octet-stream",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
  ])("a body of %s", async (type) => {
    const response = await send("auth.logout", {
      method: "POST",
      headers: { "content-type": type },
      body: "x",
    });
    expect(response.status).toBe(415);
    expect(response.data).toMatchObject({ code: "UNSUPPORTED_MEDIA_TYPE", httpStatus: 415 });
  });

  test("a body without a content type", async () => {
    const response = await send("auth.logout", { method: "POST", body: new Uint8Array([123]) });
    expect(response).toMatchObject({ status: 415, data: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  });

  test.each(['{"email":', "[", '"', "nonsense"])("a body that is not JSON: %s", async (body) => {
    const response = await send("auth.login", { method: "POST", headers: json, body });
    expect(response).toMatchObject({ status: 422, data: { code: "VALIDATION_ERROR" } });
    expect(response.text).not.toMatch(/Unexpected|position/);
  });

  test.each([
    "constructor",
    "__proto__.x",
    "toString",
    "auth",
    "auth.constructor",
    "auth.login.x",
    "a".repeat(200),
  ])("the unknown procedure %s", async (path) => {
    const { status, data, text } = await send(path);
    expect(status).toBe(404);
    expect(data).toEqual({ code: "NOT_FOUND", detail: "Not found", httpStatus: 404 });
    expect(text).not.toContain(path);
  });

  test("a mutation by GET, and a query by PUT", async () => {
    for (const response of [
      await send("auth.logout"),
      await send("auth.me", { method: "PUT", headers: json }),
    ]) {
      expect(response).toMatchObject({ status: 405, data: { code: "METHOD_NOT_ALLOWED" } });
    }
  });
});

test("a HEAD request to auth.logout does not clear the cookie", async () => {
  const { status, headers } = await send("auth.logout", { method: "HEAD" });
  expect(status).toBe(204);
  expect(headers.getSetCookie()).toEqual([]);
});

test("errors for malformed inputs contain no file name, stack trace or SQL", async () => {
  const bodies = [null, [], 5, "x", { email: {} }, { email: "a", password: ["x"] }];
  for (const body of bodies) {
    const { text, status } = await send("auth.login", {
      method: "POST",
      headers: json,
      body: JSON.stringify(body),
    });
    expect(status).toBeLessThan(500);
    expect(text).not.toMatch(/stack|\.ts|node_modules|select /i);
  }
});
