import { once } from "node:events";
import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { transports } from "../support/client/transports.ts";
import { startServer } from "../support/setup/server.ts";
import { startWatched } from "../support/setup/statement-recorder.ts";

test("while the server drains, readiness is 503 without a statement, and the process is alive", async () => {
  const { server, statements } = await startWatched();
  onTestFinished(server.close);
  const health = (path: string) => fetch(`${server.url}/health${path}`);
  expect(await (await health("/ready")).json()).toMatchObject({ checks: { draining: false } });
  server.clock.advance(1);
  server.deps.draining.abort();
  const before = statements.length;
  const response = await health("/ready");
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(await response.json()).toEqual({ status: "draining", checks: { draining: true } });
  for (const path of ["", "/live"]) {
    const { status, headers } = await health(path);
    expect([status, headers.get("connection")]).toEqual([200, "close"]);
  }
  expect(statements.length).toBe(before);
});

test("while the server drains, it serves all requests, and every response closes its connection", async () => {
  const server = await startServer();
  onTestFinished(server.close);
  const user = await signedInUser(server);
  const responses = async (): Promise<[status: number, connection: string | null][]> => {
    const calls = transports.map(({ call }) =>
      call(server.url, "task.create", { title: "A task" }, { token: user.token }),
    );
    const paths = ["/openapi.json", "/unknown", "/%zz", "/trpc/unknown", "/api/v1/tasks"];
    const others = paths.map((path) => send(server.url, { method: "GET", path }));
    return (await Promise.all<{ status: number; headers: Headers }>([...calls, ...others])).map(
      ({ status, headers }) => [status, headers.get("connection")],
    );
  };
  const before = await responses();
  expect(before.map(([, connection]) => connection)).toEqual(before.map(() => "keep-alive"));
  server.deps.draining.abort();
  expect(await responses()).toEqual(before.map(([status]) => [status, "close"]));
});

test("pipelined requests that had begun before the server drains get their responses, and only the last one closes", async () => {
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  const slow = publicProcedure
    .meta({
      rest: {
        route: "GET /slow/{name}",
        operationId: "slow",
        summary: "",
        description: "",
        responses: { 200: "" },
      },
    })
    .input(z.object({ name: z.string() }))
    .output(z.object({ name: z.string() }))
    .query(async ({ input }) => {
      started.push(input.name);
      await gate.promise;
      return input;
    });
  const server = await startServer({ router: router({ slow }) });
  onTestFinished(server.close);
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (text: string) => (received += text));
  const closed = once(socket, "close");
  const get = (name: string) => `GET /api/v1/slow/${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  socket.write(get("first") + get("second"));
  await vi.waitFor(() => expect(started).toEqual(["first"]), { timeout: 20_000 });
  server.deps.draining.abort();
  gate.resolve();
  await closed;
  expect(started).toEqual(["first", "second"]);
  const connections = [...received.matchAll(/^connection: (.*)\r$/gim)].map(([, value]) => value);
  expect(connections).toEqual(["keep-alive", "close"]);
});

/** Opens a connection that has sent nothing, and waits until the server has accepted it. */
const openSilent = async (url: string): Promise<Socket> => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  await once(socket, "connect");
  // The server accepts connections in the order in which they were opened.
  const agent = new Agent();
  await send(url, { method: "GET", path: "/health/live" }, agent);
  return socket.setEncoding("utf8");
};

/** Opens a connection whose request is still on its way, and that the server has not accepted yet. */
const openLate = async (url: string): Promise<Socket> => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  // Node connects in the next tick. The server accepts in a later turn of the event loop.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  return socket.setEncoding("utf8");
};

test.each([
  ["that the server has accepted", openSilent],
  ["that waits to be accepted", openLate],
])(
  "a request that arrives just after the server has begun to close gets its response, over a new connection %s",
  async (_, open) => {
    const server = await startServer();
    const socket = await open(server.url);
    let received = "";
    socket.on("data", (text: string) => (received += text));
    const ended = once(socket, "end");
    server.deps.draining.abort();
    const closed = server.close();
    socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await Promise.all([ended, closed]);
    expect(received).toMatch(/^HTTP\/1\.1 200 .*\r\nConnection: close\r\n/is);
  },
);

test("a connection that sends nothing does not keep the server from closing", async () => {
  const server = await startServer();
  const socket = await openSilent(server.url);
  const ended = once(socket.resume(), "end");
  await expect(server.close()).resolves.toBeUndefined();
  await ended;
});
