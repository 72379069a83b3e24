import { once } from "node:events";
import { request as openRequest } from "node:http";
import { connect } from "node:net";
import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { rest, rpc, transports } from "../support/client/transports.ts";
import { partOf, textOf } from "../support/docs/documents.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const isRequestLine = ({ msg }: Record<string, unknown>): boolean =>
  msg === "Request completed" || msg === "Response interrupted";

/** Returns what happens to the log while something runs: the lines of requests, without the fields that every line has. */
const requestLines = async (work: () => Promise<unknown>, { log } = server) => {
  const before = log.length;
  await work();
  return log
    .slice(before)
    .filter(isRequestLine)
    .map(({ time, ...line }) => {
      expect(time).toEqual(expect.any(String));
      return line;
    });
};

const always = {
  level: "info",
  msg: "Request completed",
  request_id: expect.any(String),
  ms: expect.any(Number),
  address: "127.0.0.1",
};

describe.each(transports)("over $name", (transport) => {
  const wire = { REST: "rest", RPC: "rpc" }[transport.name];
  const routeOf = (route: string, procedure: string) =>
    transport === rest
      ? { transport: wire, procedure, route }
      : { transport: wire, procedure, route: "/trpc/:path" };

  test("a call of a signed-in user writes one line with its procedure, route, status and user", async () => {
    const ada = await signedInUser(server, { transport });
    const { id } = await ada.newTask();
    const lines = await requestLines(() => ada.call("task.get", { task_id: id }));
    const call = routeOf("/api/v1/tasks/:task_id", "task.get");
    expect(lines).toEqual([{ ...always, ...call, method: "GET", status: 200, user_id: ada.id }]);
  });

  test("a sign-in and a refresh write the user whom they identify", async () => {
    const { email, password, id } = await signedInUser(server, { transport });
    const [line] = await requestLines(() =>
      transport.call(server.url, "auth.login", { email, password }),
    );
    expect(line).toMatchObject({ procedure: "auth.login", status: 200, user_id: id });
  });

  test("a call that is rejected writes its error code, and its user only if the token was valid", async () => {
    const ada = await signedInUser(server, { transport });
    const [missing] = await requestLines(() => ada.call("task.get", { task_id: 2_147_483_647 }));
    expect(missing).toMatchObject({ status: 404, code: "TASK_NOT_FOUND", user_id: ada.id });
    const [invalid] = await requestLines(() =>
      transport.call(server.url, "auth.me", undefined, { token: `${ada.token}x` }),
    );
    expect(invalid).toEqual({
      ...always,
      ...routeOf("/api/v1/auth/me", "auth.me"),
      method: "GET",
      status: 401,
      code: "INVALID_TOKEN",
    });
  });

  test.each([
    ["broken JSON", "application/json", 422, "VALIDATION_ERROR"],
    ["a body of another type", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"],
  ])("%s writes one line with procedure and code", async (_, type, status, code) => {
    const request = transport.request("auth.register", {});
    const headers = { "content-type": type };
    const lines = await requestLines(() => send(server.url, { ...request, headers, body: "{" }));
    expect(lines).toMatchObject([
      { ...routeOf("/api/v1/auth/register", "auth.register"), status, code },
    ]);
  });

  test("a 500 writes one error line with its cause, beside the line of the request", async () => {
    const broken = await startServer();
    onTestFinished(() => broken.close());
    const ada = await signedInUser(broken, { transport });
    await broken.deps.orm.em.fork().execute("drop table users cascade");
    const before = broken.log.length;
    await ada.call("auth.me");
    const lines = broken.log.slice(before);
    expect(lines).toMatchObject([
      { level: "error", procedure: "auth.me", err: { code: "42P01" } },
      { level: "info", procedure: "auth.me", status: 500, code: "INTERNAL_ERROR", user_id: ada.id },
    ]);
    expect(lines[0]?.["request_id"]).toBe(lines[1]?.["request_id"]);
  });
});

test("a tRPC batch writes one line with all its calls; one that is rejected as a whole has no code for each", async () => {
  const { token, id } = await signedInUser(server, { transport: rpc });
  const input = encodeURIComponent(JSON.stringify({ 1: { task_id: 2_147_483_647 } }));
  const headers = { authorization: `Bearer ${token}` };
  const path = `/trpc/auth.me,task.get,no.such?batch=1&input=${input}`;
  const [line, ...others] = await requestLines(() =>
    send(server.url, { method: "GET", path, headers }),
  );
  expect(others).toEqual([]);
  const batch = { ...always, transport: "rpc", method: "GET", route: "/trpc/:path" };
  expect(line).toEqual({ ...batch, status: 207, user_id: id, calls: expect.any(Array) });
  const ms = expect.any(Number);
  expect(new Set(z.array(z.unknown()).parse(line?.["calls"]))).toEqual(
    new Set([
      { code: "NOT_FOUND", ms },
      { procedure: "auth.me", ms },
      { procedure: "task.get", code: "TASK_NOT_FOUND", ms },
    ]),
  );
  const rejected = await requestLines(() =>
    send(server.url, {
      method: "POST",
      path: "/trpc/auth.me,tag.list?batch=1",
      headers: { "content-type": "text/plain" },
      body: "",
    }),
  );
  const calls = [{ procedure: "auth.me" }, { procedure: "tag.list" }];
  expect(rejected).toMatchObject([{ calls, status: 415, code: "UNSUPPORTED_MEDIA_TYPE" }]);
});

test("a name that is no procedure is not in the line", async () => {
  const lines = await requestLines(() =>
    send(server.url, { method: "GET", path: "/trpc/a-token" }),
  );
  expect(lines).toMatchObject([{ transport: "rpc", status: 404, code: "NOT_FOUND" }]);
  expect(JSON.stringify(lines)).not.toContain("a-token");
});

test.each([
  ["/no/such?token=query-secret", "/no/such", 404],
  [`/api/v1/no/${"s".repeat(33)}`, "/api/v1/no/…", 404],
  ["/%zz/a%20b", "/%zz/a%20b", 404],
  [`/${"a/".repeat(1000)}b`, `/${"a/".repeat(1000)}b`.slice(0, 200), 404],
])("an unknown path writes one line: %s", async (sent, path, status) => {
  const lines = await requestLines(() => send(server.url, { method: "GET", path: sent }));
  expect(lines).toEqual([{ ...always, method: "GET", path, status, code: "NOT_FOUND" }]);
});

test("unprintable bytes of a path are replaced", async () => {
  const lines = await requestLines(async () => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.end(
      Buffer.from(
        "GET /a\u001B[31m\u0080 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "latin1",
      ),
    );
    socket.resume();
    await once(socket, "close");
  });
  // Node's parser may reject such a path before Fastify sees it.
  for (const { path } of lines) expect(path).toMatch(/^[\x21-\x7e]+$/);
});

test("a trace id is in every line of a request with a valid traceparent, and in no other", async () => {
  const trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const call = (traceparent: string) =>
    requestLines(() =>
      send(server.url, { method: "GET", path: "/api/v1/tags", headers: { traceparent } }),
    );
  expect(await call(`00-${trace_id}-00f067aa0ba902b7-01`)).toMatchObject([{ trace_id }]);
  for (const invalid of ["nonsense", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`])
    expect((await call(invalid))[0]).not.toHaveProperty("trace_id");
});

test("health checks are logged at debug, whatever their status", async () => {
  for (const path of ["/health", "/health/live", "/health/ready"])
    expect(await requestLines(() => send(server.url, { method: "GET", path }))).toEqual([
      { ...always, level: "debug", method: "GET", route: path, status: 200 },
    ]);
  const [line] = await requestLines(() => send(server.url, { method: "PUT", path: "/health" }));
  expect(line).toMatchObject({ level: "debug", status: 405, code: "METHOD_NOT_ALLOWED" });
});

test("the address is the proxy's client only if TRUST_PROXY lists the proxy, and never another text", async () => {
  const behindProxy = await startServer({ env: { TRUST_PROXY: "127.0.0.1" } });
  onTestFinished(() => behindProxy.close());
  const addressOf = async (target: TestServer, header: string) => {
    const headers = { "x-forwarded-for": header };
    const [line] = await requestLines(
      () => send(target.url, { method: "GET", path: "/api/v1/tags", headers }),
      target,
    );
    return line?.["address"];
  };
  expect(await addressOf(server, "203.0.113.7")).toBe("127.0.0.1");
  expect(await addressOf(behindProxy, "203.0.113.7")).toBe("203.0.113.7");
  expect(await addressOf(behindProxy, "a-secret")).toBe("unknown");
});

describe("a client that disconnects", () => {
  const started = Promise.withResolvers<void>();
  const slow = router({
    wait: publicProcedure.output(z.object({})).query(({ ctx }) => {
      started.resolve();
      const { promise, resolve } = Promise.withResolvers<Record<string, never>>();
      ctx.call.signal().addEventListener("abort", () => resolve({}));
      return promise;
    }),
  });

  test("before its response writes one line without a status", async () => {
    const target = await startServer({ router: slow });
    onTestFinished(() => target.close());
    const outgoing = openRequest(`${target.url}/trpc/wait`).on("error", () => {});
    outgoing.end();
    await started.promise;
    outgoing.destroy();
    await expect.poll(() => target.log.filter(isRequestLine)).toHaveLength(1);
    const line = target.log.find(isRequestLine);
    expect(line).toMatchObject({ msg: "Response interrupted", procedure: "wait", level: "info" });
    expect(line).not.toHaveProperty("status");
  });
});

test("a client that disconnects before its body is complete has its address in the line", async () => {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  const before = server.log.length;
  socket.write("POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
  socket.write("Content-Length: 9\r\nExpect: 100-continue\r\n\r\n");
  // The server has begun to read the body.
  await once(socket, "data");
  socket.destroy();
  const lines = () => server.log.slice(before).filter(isRequestLine);
  await expect.poll(lines).toHaveLength(1);
  expect(lines()).toMatchObject([{ msg: "Response interrupted", address: "127.0.0.1" }]);
});

test("docs/operations.md lists exactly the fields that the lines of requests have", () => {
  const table = partOf(textOf("docs/operations.md"), "request");
  const listed = [...table.matchAll(/^\| `(\w+)` +\| [^|]{10,}\|$/gm)].map(([, field]) => field);
  const written = new Set(server.log.filter(isRequestLine).flatMap((line) => Object.keys(line)));
  for (const field of ["level", "time", "msg"]) written.delete(field);
  expect(new Set(listed)).toEqual(written);
});
