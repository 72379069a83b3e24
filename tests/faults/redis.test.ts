import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { cloneDatabase } from "../support/setup/database.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, type Transport, transports } from "../support/client/transports.ts";
import { type RedisServer, redisServer, startRedis } from "../support/external/redis.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let orm: Orm;
beforeAll(async () => {
  orm = await cloneDatabase();
});
afterAll(() => orm.close());

/** Starts a server that counts in a Redis, and takes client addresses from a header that the test sets. */
const start = async (url: string): Promise<TestServer> => {
  const server = await startServer({
    env: { REDIS_URL: url, RATE_LIMIT_LOGIN: "5", TRUST_PROXY: "127.0.0.1" },
    orm: { ...orm, close: async () => {} },
  });
  onTestFinished(() => server.close());
  return server;
};

/** Stops the Redis when the test is finished. */
const stoppedLater = async (starting: Promise<RedisServer>): Promise<RedisServer> => {
  const redis = await starting;
  onTestFinished(() => redis.stop());
  return redis;
};

const [rest, rpc] = transports as [Transport, Transport];

let clients = 0;
/** Returns a sign-in with a wrong password, from an address that no other client has. */
const newClient = () => {
  const address = `10.0.${clients >> 8}.${clients++ & 255}`;
  return ({ url }: TestServer, transport: Transport = rest): Promise<CallResponse> =>
    transport.call(
      url,
      "auth.login",
      { email: `${randomUUID()}@example.com`, password: "wrong password" },
      { headers: { "x-forwarded-for": address } },
    );
};

/** Waits until the servers report that Redis is available, or that it is not. */
const waitFor = async (state: "ready" | "degraded", ...servers: TestServer[]): Promise<void> => {
  for (const { url } of servers) {
    await expect
      .poll(async () => (await fetch(`${url}/health/ready`)).json())
      .toEqual({
        status: state,
        checks: {
          database: "ok",
          migrations: "ok",
          redis: state === "ready" ? "ok" : "unavailable",
          draining: false,
        },
      });
  }
};

const statuses = (responses: CallResponse[]): number[] => responses.map(({ status }) => status);

/**
 * Expects that the servers share one budget of five sign-ins: those of the list succeed, and then every server rejects the
 * client. Repeats that with new clients, because a machine under load may delay Redis for longer than an attempt waits.
 */
const expectSharedBudget = async (
  calls: readonly (readonly [server: TestServer, transport: Transport])[],
): Promise<void> => {
  const outcomes = async (): Promise<number[]> => {
    const login = newClient();
    const responses = [];
    for (const [server, transport] of calls) responses.push(await login(server, transport));
    for (const [server] of calls)
      for (const transport of transports) responses.push(await login(server, transport));
    return statuses(responses);
  };
  const expected = [...Array(5).fill(401), ...Array(calls.length * transports.length).fill(429)];
  await expect.poll(outcomes).toEqual(expected);
};

/** The log messages about the state of Redis. */
const redisMessages = ({ log }: TestServer): unknown[] =>
  log.filter(({ msg }) => String(msg).startsWith("Redis is")).map(({ msg }) => msg);

const expectNoErrors = ({ log }: TestServer): void => {
  expect(log.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
  expect(log.filter(({ status }) => Number(status) >= 500)).toEqual([]);
};

const unavailable = "Redis is unavailable: rate limits are counted in this process";
const available = "Redis is available: rate limits are shared by all processes";

describe("with Redis", () => {
  test("two servers and both transports share one budget", async () => {
    const redis = await stoppedLater(startRedis());
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await waitFor("ready", one, two);
    await expectSharedBudget([
      [one, rest],
      [two, rpc],
      [one, rpc],
      [two, rest],
      [one, rest],
    ]);
  });

  test("Retry-After is the rest of the window in Redis, and an attempt after it is accepted", async () => {
    const redis = await stoppedLater(startRedis());
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await waitFor("ready", one, two);
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const login = newClient();
    for (let i = 0; i < 5; i++) expect((await login(one)).status).toBe(401);
    // Moves the end of the window, so that it is not the one in the server's memory.
    const [key = "", ...others] = await client.keys("taskwire:login:*");
    expect(others).toEqual([]);
    await client.pexpire(key, 30_000);
    // The other server has counted nothing in its memory.
    await expect.poll(async () => (await login(two)).status).toBe(429);
    const before = await client.pttl(key);
    const rejected = await login(two);
    const after = await client.pttl(key);
    expectError(rejected, 429, "RATE_LIMIT_EXCEEDED");
    const retryAfter = Number(rejected.headers.get("retry-after"));
    expect(retryAfter * 1000).toBeGreaterThanOrEqual(after);
    // The server adds some milliseconds, and rounds up.
    expect(retryAfter * 1000).toBeLessThan(before + 1100);
    await client.del(key);
    expect((await login(two)).status).toBe(401);
  });

  test("of fifty concurrent sign-ins on two servers with a limit of five, five are accepted", async () => {
    const redis = await stoppedLater(startRedis());
    const servers = [await start(redis.url), await start(redis.url)] as const;
    await waitFor("ready", ...servers);
    const outcomes = async () => {
      const login = newClient();
      const responses = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          login(servers[i % 2 === 0 ? 0 : 1], transports[i % 3 && 1]),
        ),
      );
      return countOutcomes(responses);
    };
    // Repeated, because a machine under load may delay Redis for longer than an attempt waits.
    await expect.poll(outcomes).toEqual({ INVALID_CREDENTIALS: 5, RATE_LIMIT_EXCEEDED: 45 });
  });

  test("password attempts are counted for all servers, and Redis stores no e-mail address", async () => {
    const redis = await stoppedLater(startRedis());
    const servers = [await start(redis.url), await start(redis.url)] as const;
    await waitFor("ready", ...servers);
    const [one, two] = [servers[0].deps.rateLimits, servers[1].deps.rateLimits];
    let accounts = 0;
    // Repeated with new accounts, because a machine under load may delay Redis for longer than an attempt waits.
    const account = await vi.waitFor(
      async () => {
        const email = `ada${++accounts}@example.com`;
        for (let i = 0; i < 100; i++)
          await (i % 2 ? one : two).takePasswordAttempt(email, `192.0.2.${i % 10}`, false);
        for (const limits of [one, two])
          await expect(
            limits.takePasswordAttempt(email, "192.0.2.99", false),
          ).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
        return email;
      },
      { timeout: 60_000 },
    );
    await expect(one.takePasswordAttempt(account, "192.0.2.99", true)).resolves.toBeDefined();
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const keys = await client.keys("*");
    expect(keys.every((key) => key.startsWith("taskwire:"))).toBe(true);
    expect(keys.join()).not.toContain("ada");
  });

  test("SCRIPT FLUSH and FLUSHALL cause no error, and no client gets more attempts", async () => {
    const redis = await stoppedLater(startRedis());
    const server = await start(redis.url);
    await waitFor("ready", server);
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const login = newClient();
    for (const transport of [rest, rpc]) {
      expect((await login(server, transport)).status).toBe(401);
      await client.script("FLUSH");
      expect((await login(server, transport)).status).toBe(401);
      await client.flushall();
    }
    expect((await login(server)).status).toBe(401);
    expectError(await login(server), 429, "RATE_LIMIT_EXCEEDED");
    await waitFor("ready", server);
    expectNoErrors(server);
  });
});

describe.each(transports)("while Redis is unavailable, over $name", (transport) => {
  test("a server starts and limits by itself, and shares the count once Redis is available", async () => {
    const redis = await stoppedLater(redisServer());
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await waitFor("degraded", one, two);
    const login = newClient();
    for (let i = 0; i < 5; i++) expect((await login(one, transport)).status).toBe(401);
    expectError(await login(one, transport), 429, "RATE_LIMIT_EXCEEDED");
    await redis.start();
    await waitFor("ready", one, two);
    await expectSharedBudget([one, two, one, two, one].map((server) => [server, transport]));
    for (const server of [one, two]) expectNoErrors(server);
  });

  test("a client gets no new budget when Redis is killed, nor when it is available again", async () => {
    const redis = await stoppedLater(startRedis());
    const server = await start(redis.url);
    await waitFor("ready", server);
    const login = newClient();
    for (let i = 0; i < 3; i++) expect((await login(server, transport)).status).toBe(401);
    await redis.kill();
    for (let i = 0; i < 2; i++) expect((await login(server, transport)).status).toBe(401);
    expectError(await login(server, transport), 429, "RATE_LIMIT_EXCEEDED");
    await waitFor("degraded", server);
    await redis.start();
    await waitFor("ready", server);
    expectError(await login(server, transport), 429, "RATE_LIMIT_EXCEEDED");
    expectNoErrors(server);
  });

  test("a Redis that stops responding delays one attempt, and is used again when it responds", async () => {
    const redis = await stoppedLater(startRedis());
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await waitFor("ready", one, two);
    const login = newClient();
    const timed = async (attempt = login) => {
      const startedAt = performance.now();
      const { status } = await attempt(one, transport);
      return { status, ms: performance.now() - startedAt };
    };
    const before = [await timed(), await timed(), await timed()];
    const others = [];
    for (let i = 0; i < 12; i++) others.push(await timed(newClient()));
    redis.pause();
    const during = [];
    for (let i = 0; i < 12; i++) during.push(await timed());
    expect([...before, ...during].map(({ status }) => status)).toEqual([
      ...Array(5).fill(401),
      ...Array(10).fill(429),
    ]);
    // If every attempt waited, each would take 150 ms longer than one with Redis.
    const [first = 0, ...later] = during.map(({ ms }) => ms);
    const withRedis = Math.min(...others.map(({ ms }) => ms));
    expect(Math.min(...later)).toBeLessThan(withRedis + 100);
    expectPromisedTime("The attempt that waits for Redis", first, 600);
    expectPromisedTime("An attempt after it", Math.max(...later), 140);
    await waitFor("degraded", one);
    await expect.poll(() => redisMessages(one).at(-1)).toBe(unavailable);
    redis.resume();
    await waitFor("ready", one, two);
    await expect.poll(() => redisMessages(one).at(-1)).toBe(available);
    await expectSharedBudget([one, two, one, two, one].map((server) => [server, transport]));
    for (const server of [one, two]) expectNoErrors(server);
  });
});

test("with a server that accepts connections and never responds, sign-ins are limited, and close() does not wait for it", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on("error", () => {})));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  // It listens at a port, not at a pipe.
  const { port } = silent.address() as { port: number };
  const server = await start(`redis://127.0.0.1:${port}`);
  const login = newClient();
  const startedAt = performance.now();
  for (let i = 0; i < 5; i++) expect((await login(server)).status).toBe(401);
  expectError(await login(server), 429, "RATE_LIMIT_EXCEEDED");
  expectPromisedTime("Six sign-ins without Redis", performance.now() - startedAt, 1500);
  await waitFor("degraded", server);
  // It reconnects by itself.
  await expect.poll(() => sockets.size).toBeGreaterThan(1);
  const closingAt = performance.now();
  await server.deps.close();
  expectPromisedTime("close() with a silent server", performance.now() - closingAt, 500);
});

test("close() does not wait for a Redis that has stopped responding", async () => {
  const redis = await stoppedLater(startRedis());
  const server = await start(redis.url);
  await waitFor("ready", server);
  redis.pause();
  const attempt = newClient()(server);
  const startedAt = performance.now();
  await server.deps.close();
  expectPromisedTime("close() with a paused Redis", performance.now() - startedAt, 500);
  expect((await attempt).status).toBe(401);
});

test.each([
  ["full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"], "OOM"],
  ["read-only", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"], "READONLY"],
] as const)(
  "while Redis is %s, the server limits in memory; after that, Redis is used again",
  async (_, breakIt, repairIt, reason) => {
    const redis = await stoppedLater(startRedis("--maxmemory-policy", "noeviction"));
    const server = await start(redis.url);
    await waitFor("ready", server);
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const login = newClient();
    expect((await login(server)).status).toBe(401);
    const [[breaking, ...breakingArgs], [repairing, ...repairingArgs]] = [breakIt, repairIt];
    await client.call(breaking, ...breakingArgs);
    for (let i = 0; i < 4; i++) expect((await login(server)).status).toBe(401);
    expectError(await login(server), 429, "RATE_LIMIT_EXCEEDED");
    await waitFor("degraded", server);
    await expect.poll(() => redisMessages(server).at(-1)).toBe(unavailable);
    expect(server.log.find(({ msg }) => msg === unavailable)).toMatchObject({
      level: "warn",
      reason,
    });
    await client.call(repairing, ...repairingArgs);
    await waitFor("ready", server);
    expectNoErrors(server);
  },
);

test("while Redis fails and recovers repeatedly, every wrong password gets 401 and the log has one line per second at most", async () => {
  const redis = await stoppedLater(startRedis("--requirepass", "hunter2"));
  const server = await start(redis.url.replace("//", "//:hunter2@"));
  const startedAt = performance.now();
  const responses: CallResponse[] = [];
  const finished = new AbortController();
  // If an expectation fails, the loops below end too.
  onTestFinished(() => finished.abort());
  const traffic = async (transport: Transport): Promise<void> => {
    while (!finished.signal.aborted) responses.push(await newClient()(server, transport));
  };
  const running = transports.map(traffic);
  try {
    for (let i = 0; i < 3; i++) {
      await waitFor("ready", server);
      redis.pause();
      await waitFor("degraded", server);
      redis.resume();
      await waitFor("ready", server);
      await redis.kill();
      await waitFor("degraded", server);
      await redis.start();
    }
  } finally {
    finished.abort();
    await Promise.all(running);
  }
  expect(new Set(statuses(responses))).toEqual(new Set([401]));
  expectNoErrors(server);
  const seconds = (performance.now() - startedAt) / 1000;
  const lines = server.log.filter((line) => !("request_id" in line));
  expect(lines.length).toBeLessThanOrEqual(seconds + 5);
  expect(JSON.stringify(server.log)).not.toContain("hunter2");
});

test("a wrong password for Redis is logged as WRONGPASS, without the password", async () => {
  const redis = await stoppedLater(startRedis("--requirepass", "hunter2"));
  const server = await start(redis.url.replace("//", "//:hunter3@"));
  await expect.poll(() => redisMessages(server)).toEqual([unavailable]);
  expect(server.log.find(({ msg }) => msg === unavailable)).toMatchObject({ reason: "WRONGPASS" });
  expect(JSON.stringify(server.log)).not.toContain("hunter3");
});
