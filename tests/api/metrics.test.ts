import { once } from "node:events";
import { connect } from "node:net";
import { listenForScrapes } from "@taskwire/server/http/metrics-listener.ts";
import type { Metrics } from "@taskwire/server/observability/metrics.ts";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { newRefreshCookieOf, rest, rpc } from "../support/client/transports.ts";
import { valueIn } from "../support/metrics/samples.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const start = async (env: Record<string, string> = {}): Promise<TestServer> => {
  const server = await startServer({ env: { METRICS_PORT: "0", ...env } });
  onTestFinished(() => server.close());
  return server;
};

const metricsOf = ({ deps }: TestServer): Metrics => {
  if (deps.metrics === undefined) throw new Error("No metrics");
  return deps.metrics;
};

const read = async (
  server: TestServer,
  name: string,
  labels?: Record<string, string>,
): Promise<number | undefined> => valueIn((await metricsOf(server).scrape()).text, name, labels);

const requests = "http_server_request_duration_seconds_count";
const calls = "rpc_server_call_duration_seconds_count";
const active = "http_server_active_requests";

test("without METRICS_PORT nothing is measured", async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  expect(server.deps.metrics).toBeUndefined();
});

test("requests are measured by method, route and status; all unknown paths share one series", async () => {
  const server = await start();
  const user = await signedInUser(server);
  const { id } = await user.newTask();
  await user.task(id);
  await user.call("task.get", { task_id: 999 });
  for (const path of ["/a", "/b/c", "/trpc-x"]) await send(server.url, { method: "GET", path });
  await send(server.url, { method: "PROPFIND", path: "/health" });
  const route = { http_request_method: "GET", http_route: "/api/v1/tasks/:task_id" };
  const status = (code: string) => ({ http_response_status_code: code, error_type: "" });
  // A response is complete for the client a moment before the server notices.
  const expectCount = (labels: Record<string, string>, count: number) =>
    expect.poll(() => read(server, requests, labels)).toBe(count);
  await expectCount({ ...route, ...status("200") }, 1);
  await expectCount({ ...route, ...status("404") }, 1);
  await expectCount({ http_route: "_OTHER", ...status("404") }, 3);
  await expectCount({ http_request_method: "_OTHER", http_route: "/health", ...status("405") }, 1);
  await expect.poll(() => read(server, active, { http_request_method: "GET" })).toBe(0);
});

test("a request counts as active until its connection closes, and then as aborted", async () => {
  const server = await start();
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(
    "POST /api/v1/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n",
  );
  const post = { http_request_method: "POST" };
  await expect.poll(() => read(server, active, post)).toBe(1);
  socket.destroy();
  await expect.poll(() => read(server, active, post)).toBe(0);
  expect(await read(server, requests, { ...post, error_type: "aborted" })).toBe(1);
});

test("each call is measured by procedure, transport and code: one point for each of a batch", async () => {
  const server = await start();
  const user = await signedInUser(server);
  await rest.call(server.url, "tag.list", undefined, user);
  await rpc.call(server.url, "tag.list", undefined, user);
  await rpc.call(server.url, "tag.list");
  const names = ["tag.list", "tag.list", "auth.me"].join(",");
  await send(server.url, {
    method: "GET",
    path: `/trpc/${names}?batch=1&input={}`,
    headers: { authorization: `Bearer ${user.token}` },
  });
  const count = (rpc_system_name: string, rpc_method: string, code: string) =>
    read(server, calls, { rpc_system_name, rpc_method, rpc_response_status_code: code });
  expect(await count("rest", "tag.list", "OK")).toBe(1);
  expect(await count("trpc", "tag.list", "OK")).toBe(3);
  expect(await count("trpc", "tag.list", "MISSING_TOKEN")).toBe(1);
  expect(await count("trpc", "auth.me", "OK")).toBe(1);
});

test("statements are measured by operation and error, and the pool's connections are counted", async () => {
  const server = await start();
  const em = server.deps.orm.em.fork();
  await em.execute("select 1");
  await expect(em.execute("select 1/0")).rejects.toThrow("division by zero");
  const statements = "db_client_operation_duration_seconds_count";
  const failed = { db_operation_name: "SELECT", error_type: "22012" };
  expect(await read(server, statements, failed)).toBe(1);
  expect(await read(server, statements, { ...failed, error_type: "" })).toBeGreaterThan(0);
  expect(await read(server, "db_client_connections_wait_time_seconds_count")).toBeGreaterThan(1);
  expect(await read(server, "db_client_connections_max")).toBeGreaterThan(0);
  expect(await read(server, "db_client_connections_pending_requests")).toBe(0);
  expect(await read(server, "db_client_connections_usage", { state: "idle" })).toBeGreaterThan(0);
});

test("sign-ins are counted by result, and rejections by limit", async () => {
  const server = await start({ RATE_LIMIT_LOGIN: "2" });
  const { email, password } = await signedInUser(server);
  await rest.call(server.url, "auth.login", { email, password });
  await rpc.call(server.url, "auth.login", { email, password: "wrong horse" });
  await rpc.call(server.url, "auth.login", { email, password });
  const attempts = (result: string) => read(server, "taskwire_sign_in_attempts_total", { result });
  expect(await attempts("OK")).toBe(1);
  expect(await attempts("INVALID_CREDENTIALS")).toBe(1);
  expect(await attempts("RATE_LIMIT_EXCEEDED")).toBe(1);
  expect(await read(server, "taskwire_limit_trips_total", { limit: "login" })).toBe(1);
});

test("rejections by the limits of all calls are counted", async () => {
  const server = await start({ RATE_LIMIT_CALLS_PER_ADDRESS: "2", RATE_LIMIT_CALLS_PER_USER: "1" });
  const user = await signedInUser(server);
  for (let i = 0; i < 3; i++) await user.call("auth.me");
  const trips = (limit: string) => read(server, "taskwire_limit_trips_total", { limit });
  expect(await trips("calls_per_user")).toBe(1);
  expect(await trips("calls_per_address")).toBe(1);
});

test("a session that is revoked after the reuse of its refresh token is counted", async () => {
  const server = await start();
  const { cookie } = await signedInUser(server);
  const first = newRefreshCookieOf(
    await rest.call(server.url, "auth.refresh", undefined, { cookie }),
  );
  await rest.call(server.url, "auth.refresh", undefined, { cookie: first.value });
  server.clock.advance(60);
  expect(await read(server, "taskwire_refresh_reuse_total")).toBe(0);
  const reused = await rest.call(server.url, "auth.refresh", undefined, { cookie });
  expect(reused.status).toBe(401);
  expect(await read(server, "taskwire_refresh_reuse_total")).toBe(1);
});

test("the state of the server's parts is read at each scrape", async () => {
  const server = await start();
  expect(await read(server, "taskwire_hash_slots_used")).toBe(0);
  expect(await read(server, "taskwire_hash_slots_max")).toBeGreaterThan(64);
  expect(await read(server, "taskwire_hash_queue_length")).toBe(0);
  expect(await read(server, "taskwire_redis_up")).toBeUndefined();
  expect(await read(server, "taskwire_revocation_lag_seconds")).toBeLessThan(60);
  expect(await read(server, "taskwire_pending_migrations")).toBe(0);
  expect(await read(server, "taskwire_build_info", { node_version: process.version })).toBe(1);
  expect(await read(server, "nodejs_eventloop_utilization_ratio")).toBeGreaterThan(0);
  expect(await read(server, "nodejs_eventloop_delay_p99_seconds")).toBeGreaterThanOrEqual(0);
  expect(
    await read(server, "v8js_memory_heap_used_bytes", { v8js_heap_space_name: "old_space" }),
  ).toBeGreaterThan(0);
  expect(
    await read(server, "process_cpu_time_seconds_total", { cpu_mode: "user" }),
  ).toBeGreaterThan(0);
});

test("taskwire_redis_up is 0 while Redis is unavailable", async () => {
  const server = await start({ REDIS_URL: "redis://127.0.0.1:1" });
  expect(await read(server, "taskwire_redis_up")).toBe(0);
});

test("taskwire_pending_migrations counts them", async () => {
  const server = await start();
  await server.deps.orm.em.fork().execute("delete from migrations");
  server.clock.advance(2);
  expect(await read(server, "taskwire_pending_migrations")).toBeGreaterThan(0);
});

test("metrics have a port of their own, which closes; the public port does not serve them", async () => {
  const server = await start();
  const { url, close } = await listenForScrapes(metricsOf(server), { host: "127.0.0.1", port: 0 });
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toContain("# TYPE http_server_request_duration_seconds histogram");
  expect((await fetch(url, { method: "POST" })).status).toBe(405);
  expect((await fetch(new URL("/", url))).status).toBe(404);
  expect((await fetch(new URL("/metrics", server.url))).status).toBe(404);
  close();
  await expect(fetch(url)).rejects.toThrow("fetch failed");
});
