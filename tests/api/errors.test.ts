import { AppError, type ErrorCode, errorCodes, errors } from "@taskwire/shared";
import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { contractError } from "../support/docs/error-table.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const rest = {
  operationId: "fail",
  summary: "Fail",
  description: "",
  responses: { 200: "Never" },
} as const;

// Its own router shows that the transports do not depend on the product's procedures.
const failing = router({
  fail: publicProcedure
    .meta({ rest: { ...rest, route: "GET /fail/{code}" } })
    .input(z.object({ code: z.string() }))
    .output(z.object({}))
    .query(({ input }) => {
      // The tests below pass only codes of the table.
      throw new AppError(input.code as ErrorCode, {
        field: "code",
        retryAfter: 7,
        cause: new Error("hidden"),
      });
    }),
  crash: publicProcedure
    .meta({ rest: { ...rest, route: "GET /crash" } })
    .output(z.object({}))
    .query(() => {
      throw new Error("secret: select * from users");
    }),
  lie: publicProcedure
    .meta({ rest: { ...rest, route: "GET /lie" } })
    .output(z.object({ id: z.string() }))
    // A wrong type on purpose: the output schema must reject it.
    .query(() => ({ id: 5 }) as unknown as { id: string }),
  setCookie: publicProcedure
    .meta({ rest: { ...rest, route: "POST /set-cookie/{outcome}" } })
    .input(z.object({ outcome: z.enum(["success", "failure"]) }))
    .output(z.object({}))
    .mutation(({ ctx, input: { outcome } }) => {
      ctx.call.refreshCookie.set("a.refresh.token");
      if (outcome === "failure") throw new AppError("TASK_NOT_FOUND");
      return {};
    }),
});

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ router: failing });
});
afterAll(() => server.close());

const get = async (
  path: string,
): Promise<{ response: Response; body: Record<string, unknown> }> => {
  const response = await fetch(server.url + path);
  return { response, body: (await response.json()) as Record<string, unknown> };
};

describe.each(errorCodes)("%s", (code) => {
  const { status, detail } = contractError(code);
  // The contract has no fixed sentence for VALIDATION_ERROR.
  const sentence = code === "VALIDATION_ERROR" ? errors[code].detail : detail;

  test("has the contract's status and body over REST", async () => {
    const { response, body } = await get(`/api/v1/fail/${code}`);
    expect(response.status).toBe(status);
    expect(body).toEqual({ code, detail: sentence, field: "code" });
    expect(response.headers.get("retry-after")).toBe("7");
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  });

  test("has the same status and typed error.data over tRPC", async () => {
    const input = encodeURIComponent(JSON.stringify({ code }));
    const { response, body } = await get(`/trpc/fail?input=${input}`);
    expect(response.status).toBe(status);
    expect(body).toEqual({
      error: {
        message: sentence,
        code: expect.any(Number),
        data: {
          code,
          detail: sentence,
          field: "code",
          httpStatus: status,
          retryAfter: 7,
        },
      },
    });
    expect(response.headers.get("retry-after")).toBe("7");
  });
});

describe("an unexpected error", () => {
  test.each(["/api/v1/crash", "/trpc/crash", "/api/v1/lie", "/trpc/lie"])(
    "at %s is masked, and logged with its stack under the request id",
    async (path) => {
      const { response, body } = await get(path);
      expect(response.status).toBe(500);
      expect(JSON.stringify(body)).toContain('"code":"INTERNAL_ERROR"');
      expect(JSON.stringify(body)).not.toMatch(/secret|select|stack|\.ts|expected|validation/i);
      const line = server.log.find(
        ({ request_id, level }) =>
          request_id === response.headers.get("x-request-id") && level === "error",
      );
      const cause = path.endsWith("crash")
        ? "secret: select * from users"
        : "expected string, received number";
      expect(JSON.stringify(line)).toContain(cause);
      expect(JSON.stringify(line)).toContain(".ts:");
    },
  );
});

// @fastify/cookie is registered without the hook that parses requests; its onSend hook must still write Set-Cookie.
describe("a cookie that a procedure sets", () => {
  const attributes = (path: string) =>
    `Max-Age=604800; Path=${path}; HttpOnly; Secure; SameSite=Strict`;

  test.each([
    ["success", 200],
    ["failure", 404],
  ])("is in the response to a %s on both transports", async (outcome, status) => {
    for (const cookie of [undefined, "refresh_token=old; other=1"]) {
      const headers = { "content-type": "application/json", ...(cookie && { cookie }) };
      const init = { method: "POST", headers };
      const responses = [
        [await fetch(`${server.url}/api/v1/set-cookie/${outcome}`, init), "/api/v1/auth"],
        [
          await fetch(`${server.url}/trpc/setCookie`, {
            ...init,
            body: JSON.stringify({ outcome }),
          }),
          "/trpc",
        ],
      ] as const;
      for (const [response, path] of responses) {
        expect(response.status).toBe(status);
        expect(response.headers.getSetCookie()).toEqual([
          `refresh_token=a.refresh.token; ${attributes(path)}`,
        ]);
      }
    }
  });

  test("is in the response to a tRPC batch that partly fails", async () => {
    const response = await fetch(`${server.url}/trpc/setCookie,setCookie?batch=1`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ 0: { outcome: "success" }, 1: { outcome: "failure" } }),
    });
    expect(response.status).toBe(207);
    expect(response.headers.getSetCookie()).toEqual([
      `refresh_token=a.refresh.token; ${attributes("/trpc")}`,
    ]);
  });
});
