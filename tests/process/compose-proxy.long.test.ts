import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type HttpRequest, send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import {
  checkComposeProxy,
  startComposeProxy,
  startComposeRedis,
} from "../support/external/compose.ts";
import { startDns } from "../support/external/dns.ts";
import { startPostgres } from "../support/external/postgres.ts";
import { type Running, served, start } from "../support/process/executable.ts";
import { freePort } from "../support/process/free-port.ts";
import { required } from "../support/setup/required.ts";
import { skipsWithout, skipsWithoutLinux } from "../support/setup/requirements.ts";

// Only Linux has more addresses than 127.0.0.1 without a configuration.
const skips = skipsWithoutLinux || skipsWithout("haproxy") || skipsWithout("redis-server");
const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;
const outerProxy = "127.0.0.9";

type Cleanup = () => unknown;
const cleanups: Cleanup[] = [];
const onEnd = (cleanup: Cleanup): void => void cleanups.unshift(cleanup);

const startAll = async () => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-compose-"));
  onEnd(() => rm(folder, { recursive: true }));
  const postgres = await startPostgres();
  onEnd(postgres.stop);
  const orm = await openPostgres(postgres.url, { poolMin: 0, poolMax: 2, statementTimeout: false });
  await migrateUp(orm);
  await orm.close();
  const redis = await startComposeRedis(randomBytes(16).toString("hex"));
  onEnd(redis.stop);
  const port = await freePort();
  const env = {
    NODE_ENV: "production",
    PORT: String(port),
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    JWT_SECRET_KEY: randomBytes(32).toString("hex"),
    // In docker-compose.yml, the network of the proxy, and OUTER_PROXY.
    TRUST_PROXY: `127.0.0.1,${outerProxy}`,
  };
  const servers = await Promise.all(
    hosts.map((host): Promise<Running> => {
      const server = start("main", { folder, env: { ...env, HOST: host } });
      onEnd(() => server.kill("SIGKILL"));
      return served(server);
    }),
  );
  const dns = await startDns(hosts.slice(0, 2));
  onEnd(dns.close);
  const proxyWith = async (options: { outerProxy?: string }) => {
    const proxy = await startComposeProxy({ folder, dns: dns.address, port, ...options });
    onEnd(proxy.stop);
    return proxy;
  };
  return { servers, dns, proxy: await proxyWith({}), behindOuter: await proxyWith({ outerProxy }) };
};

/** Sends requests to a proxy from an address of its own. */
const clientAt = (localAddress: string, url: string) => {
  const agent = new Agent({ keepAlive: true, localAddress });
  onTestFinished(() => agent.destroy());
  return (request: HttpRequest) => send(url, request, agent);
};

const signIn = (forwardedFor: string): HttpRequest => ({
  method: "POST",
  path: "/api/v1/auth/login",
  headers: { "content-type": "application/x-www-form-urlencoded", "x-forwarded-for": forwardedFor },
  body: "username=ada@example.com&password=not+the+password",
});

const refresh = (headers: Readonly<Record<string, string>>): HttpRequest => ({
  method: "POST",
  path: "/api/v1/auth/refresh",
  headers,
});

describe.skipIf(skips)("the proxy of docker-compose.yml, before three servers", () => {
  let all: Awaited<ReturnType<typeof startAll>>;
  beforeAll(async () => {
    all = await startAll();
  });
  afterAll(async () => {
    for (const cleanup of cleanups) await cleanup();
  });

  test("is healthy for its own health check, and shows /health but not /health/ready", async () => {
    const get = clientAt("127.0.0.1", all.proxy.url);
    await checkComposeProxy(all.proxy);
    expect((await get({ method: "GET", path: "/health" })).status).toBe(200);
    for (const path of ["/health/ready", "/health/read%79", "/health/ready?a=b"])
      expect((await get({ method: "GET", path })).status).toBe(404);
  });

  test("gives requests to a server that DNS lists later, and none fails for one that does not listen yet", async () => {
    const get = clientAt("127.0.0.1", all.proxy.url);
    all.dns.set([...hosts, "127.0.0.4"]);
    const third = required(all.servers[2], "the third server");
    const request = { method: "GET", path: "/api/v1/tasks" };
    const statuses = new Set<number>();
    await expect
      .poll(async () => {
        statuses.add((await get(request)).status);
        return third.stdout;
      })
      .toContain('"route":"/api/v1/tasks"');
    for (let turn = 0; turn < 20; turn++) statuses.add((await get(request)).status);
    expect([...statuses]).toEqual([401]);
  });

  test("names the client's own address, whatever X-Forwarded-For it sends, and all servers count its attempts together", async () => {
    // The servers trust this client's network, as they trust the machine of docker-compose.yml.
    const [client, other] = [outerProxy, "127.0.0.8"];
    const attempt = clientAt(client, all.proxy.url);
    const statuses = [];
    for (let turn = 1; turn <= 6; turn++)
      statuses.push((await attempt(signIn(`198.51.100.${turn}`))).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await clientAt(other, all.proxy.url)(signIn(client))).status).toBe(401);
    const logs = all.servers.map(({ stdout }) => stdout);
    for (const log of logs) expect(log).toContain(`"address":"${client}"`);
    expect(logs.join("")).not.toContain("198.51.100.");
  });

  test("keeps the address that an outer proxy names, from that proxy only", async () => {
    await clientAt(outerProxy, all.behindOuter.url)(signIn("203.0.113.1"));
    await clientAt("127.0.0.6", all.behindOuter.url)(signIn("203.0.113.2"));
    const log = all.servers.map(({ stdout }) => stdout).join("");
    expect(log).toContain('"address":"203.0.113.1"');
    expect(log).not.toContain("203.0.113.2");
    expect(log).toContain('"address":"127.0.0.6"');
  });

  test("does not let a client choose the host and the protocol that its page's origin is compared with", async () => {
    const headers = {
      origin: "https://app.example.com",
      "x-forwarded-host": "app.example.com",
      "x-forwarded-proto": "https",
    };
    const status = async (address: string, url: string) =>
      (await clientAt(address, url)(refresh(headers))).status;
    expect(await status("127.0.0.6", all.proxy.url)).toBe(403);
    expect(await status(outerProxy, all.behindOuter.url)).toBe(401);
  });

  test("loses no request while a server stops under load", async () => {
    const user = await signedInUser({ url: all.proxy.url });
    const second = required(all.servers[1], "the second server");
    const stopped = new AbortController();
    const outcomes: string[] = [];
    const create = clientAt("127.0.0.1", all.proxy.url);
    const load = async (): Promise<void> => {
      const headers = {
        authorization: `Bearer ${user.token}`,
        "content-type": "application/json",
      };
      const request = {
        method: "POST",
        path: "/api/v1/tasks",
        headers,
        body: '{"title":"A task"}',
      };
      while (!stopped.signal.aborted) {
        const outcome = await create(request).catch(String);
        outcomes.push(typeof outcome === "string" ? outcome : String(outcome.status));
      }
    };
    const loads = [load(), load(), load()];
    await expect.poll(() => second.stdout).toContain(`"user_id":"${user.id}"`);
    expect(await second.kill("SIGTERM")).toEqual({ code: 0, signal: null });
    stopped.abort();
    await Promise.all(loads);
    expect(outcomes.filter((outcome) => outcome !== "201")).toEqual([]);
    const { total } = await user.page({ limit: 1 });
    expect(total).toBe(outcomes.length);
  });
});
