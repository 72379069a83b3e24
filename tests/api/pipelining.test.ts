import { once } from "node:events";
import { connect } from "node:net";
import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { startServer } from "../support/setup/server.ts";

test("a pipelined request starts after the response to the one before it, and the responses come in order", async () => {
  const started: string[] = [];
  const gate = Promise.withResolvers<void>();
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
      if (input.name === "first") await gate.promise;
      return input;
    });
  const server = await startServer({ router: router({ slow }) });
  onTestFinished(server.close);
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (text: string) => (received += text));
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  socket.write(get("/api/v1/slow/first") + get("/api/v1/slow/second"));
  await vi.waitFor(() => expect(started).toContain("first"), { timeout: 20_000 });
  // Responses on another connection, so that the second request has had the time to start.
  for (let calls = 0; calls < 10; calls++) await fetch(`${server.url}/api/v1/slow/other`);
  expect(started.filter((name) => name !== "other")).toEqual(["first"]);
  gate.resolve();
  await vi.waitFor(() => expect(received).toContain('"second"'), { timeout: 20_000 });
  expect(received.indexOf('"first"')).toBeLessThan(received.indexOf('"second"'));
  socket.end();
  await once(socket, "close");
});
