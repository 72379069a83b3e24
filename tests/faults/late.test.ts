import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { send } from "../support/client/http.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

/** The procedure waits for its gate, which opens only after the client has its response. */
const gates = { REST: Promise.withResolvers<void>(), RPC: Promise.withResolvers<void>() };
/** Whether the call's signal was aborted when the procedure continued. */
const done = { REST: Promise.withResolvers<boolean>(), RPC: Promise.withResolvers<boolean>() };

const slow = publicProcedure
  .meta({
    rest: {
      route: "POST /slow/{transport}",
      operationId: "slow",
      summary: "",
      responses: { 201: "" },
    },
  })
  .input(z.object({ transport: z.enum(["REST", "RPC"]) }))
  .output(z.object({}))
  .mutation(async ({ ctx, input: { transport } }) => {
    await gates[transport].promise;
    try {
      ctx.call.refreshCookie.set("late");
      ctx.call.setHeader("X-Late", "late");
      ctx.call.markUnchanged();
    } finally {
      done[transport].resolve(ctx.call.signal().aborted);
    }
    throw new Error("A late failure");
  });

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ router: router({ slow }) });
});
afterAll(() => server.close());

test.concurrent.each([
  ["REST", { path: "/api/v1/slow/REST" }],
  [
    "RPC",
    {
      path: "/trpc/slow",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ transport: "RPC" }),
    },
  ],
] as const)(
  "over %s a call that exceeds its deadline gets 503 with Retry-After, and its later effects are discarded",
  async (transport, request) => {
    const start = performance.now();
    const response = await send(server.url, { method: "POST", ...request });
    expect(performance.now() - start).toBeLessThan(4000);
    expect(response).toMatchObject({ status: 503 });
    expect(response.text).toContain('"code":"SERVICE_UNAVAILABLE"');
    expect(response.headers.get("retry-after")).toBe("1");
    gates[transport].resolve();
    expect(await done[transport].promise).toBe(true);
    expect((await send(server.url, { method: "GET", path: "/health" })).status).toBe(200);
    const id = response.headers.get("x-request-id");
    const lines = server.log.filter(({ request_id }) => request_id === id);
    expect(lines.map(({ msg, status }) => [msg, status])).toEqual([
      ["Call rejected: service unavailable", undefined],
      ["Request completed", 503],
    ]);
  },
);
