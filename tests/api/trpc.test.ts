import { type AppRouter } from "@taskwire/server/rpc/router.ts";
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  TRPCClientError,
} from "@trpc/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
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

  test("a mutation by GET, also with an input, and any call by PUT", async () => {
    for (const response of [
      await send("auth.logout"),
      await send("auth.login?input={}"),
      await send("auth.logout", { headers: { "x-http-method-override": "POST" } }),
      await send("auth.logout", { method: "PUT", headers: json }),
      await send("auth.me", { method: "PUT", headers: json }),
    ]) {
      expect(response).toMatchObject({ status: 405, data: { code: "METHOD_NOT_ALLOWED" } });
    }
  });
});

// A page of another origin needs one preflight for each URL: a query by POST has its input in the body.
describe("a query by POST", () => {
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    send(path, { method: "POST", headers: { ...json, ...headers }, body });

  test("has the same result as by GET, alone and in a batch", async () => {
    const { token, newTask } = await signedInUser(server);
    const tasks = [await newTask({ title: "One" }), await newTask({ title: "Two" })];
    const authorization = `Bearer ${token}`;
    const inputs = tasks.map(({ id }) => ({ task_id: id }));
    for (const input of inputs) {
      const text = JSON.stringify(input);
      const byGet = await send(`task.get?input=${encodeURIComponent(text)}`, {
        headers: { authorization },
      });
      const byPost = await post("task.get", text, { authorization });
      expect(byPost.status).toBe(200);
      expect(byPost.text).toBe(byGet.text);
    }
    const batch = await post(
      "task.get,task.get?batch=1",
      JSON.stringify(Object.assign({}, inputs)),
      {
        authorization,
      },
    );
    expect(JSON.parse(batch.text)).toMatchObject([
      { result: { data: { title: "One" } } },
      { result: { data: { title: "Two" } } },
    ]);
  });

  test("is in no batch next to a mutation, by neither method", async () => {
    const { email, password, token } = await signedInUser(server);
    const inputs = JSON.stringify({ 0: {}, 1: { email, password } });
    const path = "task.list,auth.login?batch=1";
    const headers = { authorization: `Bearer ${token}` };
    for (const response of [
      await post(path, inputs, headers),
      await send(`${path}&input=${encodeURIComponent(inputs)}`, { headers }),
    ]) {
      expect(response).toMatchObject({ status: 422, data: { code: "VALIDATION_ERROR" } });
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; application/json",
    "application/jsonl",
  ])(
    "is rejected with a body of %s, as a page of another origin sends it without a preflight",
    async (type) => {
      const { token } = await signedInUser(server);
      const response = await post("task.list", "{}", {
        "content-type": type,
        authorization: `Bearer ${token}`,
      });
      expect(response).toMatchObject({ status: 415, data: { code: "UNSUPPORTED_MEDIA_TYPE" } });
    },
  );

  test("is rejected without a token, with a body above 64 KiB, with an invalid input, and in a batch of eleven", async () => {
    const { token } = await signedInUser(server);
    const headers = { authorization: `Bearer ${token}` };
    const large = JSON.stringify({ q: "x".repeat(64 * 1024) });
    const eleven = `${Array(11).fill("task.list").join(",")}?batch=1`;
    for (const [response, status, code] of [
      [await post("task.list", "{}"), 401, "MISSING_TOKEN"],
      [await post("task.list", large, headers), 413, "PAYLOAD_TOO_LARGE"],
      [await post("task.list", '{"q":', headers), 422, "VALIDATION_ERROR"],
      [await post("task.list", '{"limit":"x"}', headers), 422, "VALIDATION_ERROR"],
      [await post(eleven, "{}", headers), 422, "VALIDATION_ERROR"],
    ] as const) {
      expect(response).toMatchObject({ status, data: { code } });
    }
  });

  test("counts against the limits of all calls", async () => {
    const limited = await startServer({ env: { RATE_LIMIT_CALLS_PER_USER: "2" } });
    onTestFinished(limited.close);
    const { token } = await signedInUser(limited);
    const outcomes: number[] = [];
    for (let i = 0; i < 4; i++) {
      const { status } = await fetch(`${limited.url}/trpc/task.list`, {
        method: "POST",
        headers: { ...json, authorization: `Bearer ${token}` },
        body: "{}",
      });
      outcomes.push(status);
    }
    expect(outcomes).toEqual([200, 200, 429, 429]);
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
