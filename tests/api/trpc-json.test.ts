import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { AppError } from "@taskwire/shared";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type HttpRequest, send } from "../support/client/http.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { repeated, times } from "../support/setup/property.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

/** Beside the product's procedures, some that do what these never do. */
const testRouter = router({
  ...appRouter._def.record,
  test: router({
    echo: publicProcedure
      .input(z.unknown())
      .output(z.unknown())
      .query(({ input }) => input),
    change: publicProcedure
      .input(z.unknown())
      .output(z.unknown())
      .mutation(({ input }) => input),
    fail: publicProcedure.output(z.unknown()).query(() => {
      throw new Error("A fault");
    }),
    /** With a middleware of its own, beside those of every procedure. */
    guarded: publicProcedure
      .use(({ next, ctx }) => {
        ctx.call.setHeader("X-Guarded", "yes");
        return next();
      })
      .use(() => {
        throw new AppError("FORBIDDEN_ORIGIN");
      })
      .output(z.unknown())
      .query(() => "not reached"),
    merged: publicProcedure
      .input(z.object({ a: z.string(), b: z.string().default("default") }))
      .input(z.object({ b: z.number().optional(), c: z.literal("c") }))
      .output(z.unknown())
      .query(({ input }) => input),
    wrongOutput: publicProcedure
      .output(z.object({ a: z.string() }))
      .query(() => ({ a: 1 }) as unknown as { a: string }),
    undeclaredOutput: publicProcedure
      .output(z.object({ a: z.string() }))
      .query(() => Object.assign({ a: "a" }, { secret: "b" })),
    unparsed: publicProcedure.query(() => ({ a: "a" })),
    retryLater: publicProcedure.output(z.unknown()).query(({ ctx }) => {
      ctx.call.setHeader("X-Test", "from a procedure");
      throw new AppError("RATE_LIMIT_EXCEEDED", { retryAfter: 7 });
    }),
  }),
});

let server: TestServer;
let user: SignedInUser;
beforeAll(async () => {
  server = await startServer({ router: testRouter });
  user = await signedInUser(server);
});
afterAll(() => server.close());

/** Differ between two responses of one kind, too. The framing of the body is the one thing that differs on purpose. */
const ignored = ["date", "x-request-id", "content-length", "transfer-encoding"];

const exchange = async (request: HttpRequest) => {
  const { status, headers, text } = await send(server.url, request);
  const isPlain = headers.has("content-length");
  for (const name of ignored) headers.delete(name);
  return { isPlain, answer: { status, text, headers: [...headers] } };
};

/** Sends a request as it is, and with a parameter that only tRPC's own adapter accepts. */
const exchangeBoth = async (request: HttpRequest) => {
  const separator = request.path.includes("?") ? "&" : "?";
  const stock = await exchange({ ...request, path: `${request.path}${separator}unknown=1` });
  return { stock, own: await exchange(request) };
};

/** Compares both responses. Returns whether the request was answered as a plain one. */
const compare = async (request: HttpRequest): Promise<boolean> => {
  const { stock, own } = await exchangeBoth(request);
  expect(own.answer).toEqual(stock.answer);
  return own.isPlain;
};

const encoded = (value: unknown): string => encodeURIComponent(JSON.stringify(value));
const get = (path: string): HttpRequest => ({ method: "GET", path: `/trpc/${path}` });
const post = (path: string, body?: string, type = "application/json"): HttpRequest => ({
  method: "POST",
  path: `/trpc/${path}`,
  headers: { "content-type": type },
  body,
});

const withToken = (request: HttpRequest): HttpRequest => ({
  ...request,
  headers: { ...request.headers, authorization: `Bearer ${user.token}` },
});

describe("responds itself, as tRPC's adapter does,", () => {
  test.each<[string, HttpRequest]>([
    ["a query", get("auth.me")],
    ["a query with an empty input", get("auth.me?input=")],
    ["a query with an input", get(`task.list?input=${encoded({ limit: 2 })}`)],
    ["an input with + for a space", get("test.echo?input=%22a+b%2Bc%22")],
    ["an input that is null", get("test.echo?input=null")],
    ["no output", get("test.echo")],
    [
      "a key named __proto__",
      get(`test.echo?input=${encodeURIComponent('{"__proto__":{"a":1}}')}`),
    ],
    ["an input that is not valid", get(`task.list?input=${encoded({ limit: 0 })}`)],
    ["an input of another type", get(`task.list?input=${encoded([1])}`)],
    ["a row that does not exist", get(`task.get?input=${encoded({ task_id: 1 })}`)],
    ["an unexpected error", get("test.fail")],
    ["an error of a procedure's own middleware", get("test.guarded")],
    ["several input schemas", get(`test.merged?input=${encoded({ a: "a", c: "c", d: 1 })}`)],
    [
      "several input schemas, merged",
      get(`test.merged?input=${encoded({ a: "a", b: 1, c: "c" })}`),
    ],
    ["an error of the second schema", get(`test.merged?input=${encoded({ a: "a", c: "d" })}`)],
    ["an output that is not valid", get("test.wrongOutput")],
    ["an output with an undeclared field", get("test.undeclaredOutput")],
    ["an output without a schema", get("test.unparsed")],
    ["headers that a procedure sets", get("test.retryLater")],
    ["a batch of one", get("auth.me?batch=1")],
    [
      "a batch of five",
      get(
        `auth.me,tag.list,task.list,auth.me,auth.me?batch=1&input=${encoded({ 2: { limit: 1 } })}`,
      ),
    ],
    ["a batch of ten", get(`${Array(10).fill("tag.list").join(",")}?batch=1`)],
    [
      "a batch that partly fails (207)",
      get(`auth.me,task.get?batch=1&input=${encoded({ 1: { task_id: 1 } })}`),
    ],
    [
      "a batch that fails in one way (404)",
      get(`task.get,task.get?batch=1&input=${encoded({ 0: { task_id: 1 }, 1: { task_id: 2 } })}`),
    ],
    ["a batch that fails in two ways (207)", get("test.fail,test.retryLater?batch=1")],
    ["a batch of the same error (429)", get("test.retryLater,test.retryLater?batch=1")],
    ["a mutation", post("test.change", '{"a":[1,null,"ü"]}')],
    ["a mutation without a body", post("auth.logout", "")],
    ["a mutation in a batch", post("test.change,auth.logout?batch=1", '{"0":"x"}')],
    [
      "a mutation that fails",
      post("auth.login", '{"email":"unknown@example.com","password":"wrong"}'),
    ],
    ["a query by POST", post("task.list", '{"limit":1}')],
    [
      "a content type with a charset",
      post("test.change", '"x"', "application/json; charset=utf-8"),
    ],
  ])("%s", async (_, request) => {
    expect(await compare(withToken(request))).toBe(true);
  });

  test("a call without a token, and one with a wrong token", async () => {
    expect(await compare(get("auth.me"))).toBe(true);
    const headers = { authorization: "Bearer a.b.c" };
    expect(await compare({ ...get("auth.me,tag.list?batch=1"), headers })).toBe(true);
  });

  test("any JSON as input and output, in one call or several", async () => {
    const value = fc.option(fc.jsonValue({ maxDepth: 3 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 4 }), async (values) => {
        const names = (name: string) => values.map(() => name).join(",");
        const inputs = Object.fromEntries(
          values.flatMap((each, index) => (each === undefined ? [] : [[index, each]])),
        );
        expect(await compare(get(`${names("test.echo")}?batch=1&input=${encoded(inputs)}`))).toBe(
          true,
        );
        expect(await compare(post(`${names("test.change")}?batch=1`, JSON.stringify(inputs)))).toBe(
          true,
        );
        const [single = null] = values;
        expect(await compare(get(`test.echo?input=${encoded(single)}`))).toBe(true);
        expect(await compare(post("test.change", JSON.stringify(single)))).toBe(true);
      }),
      { numRuns: times("FUZZ_RUNS", 30), ...repeated },
    );
  });
});

describe("leaves to tRPC's adapter", () => {
  test.each<[string, HttpRequest]>([
    ["an unknown procedure", get("task.nope")],
    ["a batch with an unknown procedure", get("auth.me,task.nope?batch=1")],
    ["a name from the prototype", get("constructor")],
    ["names without batch=1", get("auth.me,tag.list")],
    ["a mutation by GET", get("auth.logout")],
    ["a batch of a query and a mutation", post("auth.me,auth.logout?batch=1", "{}")],
    ["an input that is no JSON", get("task.list?input={")],
    ["an input with a malformed escape", get("test.echo?input=%22%zz%22")],
    ["an input that is no UTF-8", get("test.echo?input=%22%ff%22")],
    ["a second input", get("test.echo?input=1&input=2")],
    ["a second batch parameter", get("auth.me?batch=1&batch=1")],
    ["another value of batch", get("auth.me?batch=true")],
    ["an escape in the name of a parameter", get("test.echo?inpu%74=1")],
    ["an escape in the path", get("auth%2Eme")],
    ["an escaped comma", get("auth.me%2Ctag.list?batch=1")],
    ["a batch whose input is a list", get(`tag.list?batch=1&input=${encoded([{}])}`)],
    ["a batch whose input is null", get("tag.list?batch=1&input=null")],
    ["connection parameters", get(`auth.me?connectionParams=${encoded({ a: "b" })}`)],
    ["a body that is no JSON", post("test.change", "{")],
    ["a batch over the cap", get(`${Array(11).fill("auth.me").join(",")}?batch=1`)],
    ["another content type", post("test.change", "<a/>", "text/xml")],
    ["no content type", { method: "POST", path: "/trpc/test.change", body: "{}" }],
    ["another method", { method: "PUT", path: "/trpc/auth.me" }],
    ["a HEAD", { method: "HEAD", path: "/trpc/auth.me" }],
    [
      "a stream by trpc-accept",
      { ...get("auth.me?batch=1"), headers: { "trpc-accept": "application/jsonl" } },
    ],
    ["a stream by accept", { ...get("auth.me?batch=1"), headers: { accept: "application/jsonl" } }],
  ])("%s", async (_, request) => {
    const { stock, own } = await exchangeBoth(withToken(request));
    expect(own.answer).toEqual(stock.answer);
  });
});

test("a client that disconnects before its response does no harm", async () => {
  const controller = new AbortController();
  const aborted = fetch(`${server.url}/trpc/task.list`, {
    headers: { authorization: `Bearer ${user.token}` },
    signal: controller.signal,
  });
  controller.abort();
  await expect(aborted).rejects.toThrow("aborted");
  expect(await compare(withToken(get("auth.me")))).toBe(true);
});
