import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { type Span, startCollector } from "../support/metrics/collector.ts";
import { served, start } from "../support/process/executable.ts";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { finish, temporaryFolder } from "../support/process/test-process.ts";

/** Prints the URL of each module of OpenTelemetry that the process loads. */
const reportLoads = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({ load: (url, context, next) => {
    if (url.includes("@opentelemetry/")) process.stderr.write("loaded " + url + "\\n");
    return next(url, context);
  } });
`)}`;

/** Starts a server on a migrated database. */
const serveWith = async (settings: Record<string, string>) => {
  const folder = await temporaryFolder();
  const { env } = await emptyDatabase();
  await finish("migrate", { folder, env, args: ["up"] });
  const running = start("main", {
    folder,
    env: { ...env, PORT: "0", LOG_LEVEL: "debug", ...settings },
    node: ["--import", reportLoads],
  });
  onTestFinished(async () => {
    await running.kill("SIGKILL");
  });
  return served(running);
};

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";

test("a request is a span under its traceparent, with its calls inside, and their statements inside those", async () => {
  const collector = await startCollector();
  const server = await serveWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const { token } = await signedInUser(server);
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    traceparent: `00-${traceId}-${parentId}-01`,
  };
  // With a body, whose arrival has no context of its own.
  await send(server.url, {
    method: "POST",
    path: "/trpc/tag.create,task.create?batch=1",
    headers,
    body: JSON.stringify({ 0: { name: "A" }, 1: { title: "" } }),
  });
  await send(server.url, { method: "GET", path: "/api/v1/tags?secret=1", headers });
  expect(await server.kill("SIGTERM")).toMatchObject({ code: 0 });
  expect(server.stderr).toContain("@opentelemetry/sdk-trace");

  const spans = collector.spans.filter((span) => span.traceId === traceId);
  const inside = (parent: Span | undefined): Span[] =>
    spans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId);
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === parentId);
  expect(roots.map(({ name }) => name)).toEqual(["POST /trpc/:path", "GET /api/v1/tags"]);
  const [batch, list] = roots;
  expect(
    inside(batch)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(["tag.create", "task.create"]);
  const created = inside(batch).find(({ name }) => name === "tag.create");
  expect(created?.attributes).toMatchObject({ "rpc.response.status_code": "OK" });
  expect(inside(created)[0]?.attributes["db.query.text"]).toMatch(/insert into "tags"/);
  expect(list?.attributes).toEqual({
    "http.request.method": "GET",
    "url.path": "/api/v1/tags",
    "http.route": "/api/v1/tags",
    "http.response.status_code": 200,
  });
  const [call] = inside(list);
  expect(call?.attributes).toMatchObject({ "rpc.method": "tag.list", "rpc.system.name": "rest" });
  expect(inside(call).map(({ name }) => name)).toEqual(["SELECT"]);
  expect(collector.spans.map(({ attributes }) => JSON.stringify(attributes)).join()).not.toContain(
    "correct horse",
  );

  const lines = server.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const completed = lines.filter(
    (line) => line["trace_id"] === traceId && line["msg"] === "Request completed",
  );
  expect(completed.map((line) => line["span_id"])).toEqual([batch?.spanId, list?.spanId]);
  expect(server.stdout).not.toMatch(/trace_id.*trace_id/);
});

test("without OTEL_EXPORTER_OTLP_ENDPOINT the process loads nothing of OpenTelemetry, and log lines have no trace", async () => {
  const server = await serveWith({});
  await signedInUser(server);
  expect(await server.kill("SIGTERM")).toMatchObject({ code: 0 });
  expect(server.stderr).toBe("");
  expect(server.stdout).not.toContain("trace_id");
});

test("a collector that does not respond delays neither requests nor the end of the process", async () => {
  const server = await serveWith({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
  await signedInUser(server);
  expect(await server.kill("SIGTERM")).toMatchObject({ code: 0 });
});
