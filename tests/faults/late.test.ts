import { once } from "node:events";
import { request as openRequest } from "node:http";
import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { send } from "../support/client/http.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
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
      description: "",
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

// `conflict` throws the SQLSTATEs itself, so that it can choose the moment. Deadlocks that a database resolves are in
// tests/postgres/interleaving.test.ts and tests/postgres/retry-limits.test.ts.

/** Attempts of each call to `conflict`, by its name. */
const attempts = new Map<string, number>();

const conflict = publicProcedure
  .meta({
    rest: {
      route: "POST /conflict/{call}/{client}",
      operationId: "conflict",
      summary: "",
      description: "",
      responses: { 201: "" },
    },
  })
  .input(z.object({ call: z.string(), client: z.enum(["stays", "disconnects", "waits"]) }))
  .output(z.object({}))
  .mutation(async ({ ctx, input: { call, client } }) => {
    attempts.set(call, (attempts.get(call) ?? 0) + 1);
    const signal = ctx.call.signal();
    if (client !== "stays" && !signal.aborted) await once(signal, "abort");
    const code = call.endsWith("40001") ? "40001" : "40P01";
    throw Object.assign(new Error(`Thrown in ${call}`), { code });
  });

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ router: router({ slow, conflict }) });
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
    // The procedure waits for the gate below, so without a deadline there is no response.
    const response = await send(server.url, { method: "POST", ...request });
    expectPromisedTime(
      `Response at the deadline over ${transport}`,
      performance.now() - start,
      3000,
    );
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

const conflictRequests = (client: "stays" | "disconnects" | "waits", code = "40P01") =>
  (["REST", "RPC"] as const).map((transport) => {
    const call = `${transport} ${client} ${code}`;
    return {
      transport,
      code,
      call,
      method: "POST",
      path:
        transport === "REST"
          ? `/api/v1/conflict/${encodeURIComponent(call)}/${client}`
          : "/trpc/conflict",
      headers: { "content-type": "application/json" },
      body: transport === "REST" ? undefined : JSON.stringify({ call, client }),
    };
  });

test.each(conflictRequests("stays"))(
  "over $transport a procedure that always throws the SQLSTATE of a deadlock is attempted four times, then the call gets 503",
  async ({ call, ...init }) => {
    const response = await send(server.url, init);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(attempts.get(call)).toBe(4);
  },
);

test.concurrent.each([...conflictRequests("waits"), ...conflictRequests("waits", "40001")])(
  "over $transport a procedure that throws the SQLSTATE $code after its deadline is not repeated",
  async ({ call, ...init }) => {
    const response = await send(server.url, init);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(attempts.get(call)).toBe(1);
  },
);

test.each(conflictRequests("disconnects"))(
  "over $transport a procedure that throws the SQLSTATE of a deadlock after its client has disconnected is not repeated",
  async ({ call, body, ...options }) => {
    const outgoing = openRequest(server.url, options).on("error", () => {});
    outgoing.end(body);
    await expect.poll(() => attempts.get(call)).toBe(1);
    outgoing.destroy();
    const rejected = () =>
      server.log.find(
        ({ msg, err }) =>
          msg === "Call rejected: service unavailable" && JSON.stringify(err).includes(call),
      );
    await expect.poll(rejected).toBeDefined();
    expect(attempts.get(call)).toBe(1);
  },
);
