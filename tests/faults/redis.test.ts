import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { cloneDatabase } from "../support/setup/database.ts";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, type Transport, transports } from "../support/client/transports.ts";
import { type RedisServer, redisServer, startRedis } from "../support/external/redis.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let orm: Orm;
beforeAll(async () => {
  orm = await cloneDatabase();
});
afterAll(() => orm.close());

/** A server that counts in a Redis, and believes what a test says of its address. */
const start = async (url: string): Promise<TestServer> => {
  const server = await startServer({
    env: { REDIS_URL: url, RATE_LIMIT_LOGIN: "5", TRUST_PROXY: "127.0.0.1" },
    orm: { ...orm, close: async () => {} },
  });
  onTestFinished(() => server.close());
  return server;
};

const given = async (making: Promise<RedisServer>): Promise<RedisServer> => {
  const redis = await making;
  onTestFinished(() => redis.stop());
  return redis;
};

const [rest, rpc] = transports as [Transport, Transport];

let clients = 0;
/** Somebody at an address that nobody else has, who signs in with a wrong password. */
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

/** Waits until a server says that it has Redis, or has not; no longer than the 5 s in which it must. */
const until = async (state: "ready" | "degraded", ...servers: TestServer[]): Promise<void> => {
  for (const { url } of servers) {
    await expect
      .poll(async () => (await fetch(`${url}/health/ready`)).json(), {
        timeout: 5000,
        interval: 20,
      })
      .toEqual({ status: state });
  }
};

const statuses = (answers: CallResponse[]): number[] => answers.map(({ status }) => status);

/** What is told of Redis' comings and goings. */
const told = ({ log }: TestServer): unknown[] =>
  log.filter(({ msg }) => String(msg).startsWith("Redis is")).map(({ msg }) => msg);

const expectNoFault = ({ log }: TestServer): void => {
  expect(log.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
  expect(log.filter(({ status }) => Number(status) >= 500)).toEqual([]);
};

const away = "Redis is away: attempts are counted in this process's memory";
const there = "Redis is there: attempts are counted for all processes together";

describe("with Redis", () => {
  test("two servers and two transports have one budget, and Retry-After is enough", async () => {
    const redis = await given(startRedis());
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await until("ready", one, two);
    const login = newClient();
    for (const [server, transport] of [
      [one, rest],
      [two, rpc],
      [one, rpc],
      [two, rest],
      [one, rest],
    ] as const)
      expect((await login(server, transport)).status).toBe(401);
    for (const server of [one, two]) {
      for (const transport of transports) {
        const refused = await login(server, transport);
        expectError(refused, 429, "RATE_LIMIT_EXCEEDED");
        expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
      }
    }
    // Nobody waits a minute: the window is made to end.
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    for (const key of await client.keys("taskwire:login:*")) await client.pexpire(key, 900);
    const refused = await login(two);
    expect(refused.headers.get("retry-after")).toBe("1");
    await setTimeout(1000);
    expect((await login(two)).status).toBe(401);
  });

  test("fifty at once on two servers are five", async () => {
    const redis = await given(startRedis());
    const servers = [await start(redis.url), await start(redis.url)] as const;
    await until("ready", ...servers);
    const login = newClient();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        login(servers[i % 2 === 0 ? 0 : 1], transports[i % 3 && 1]),
      ),
    );
    expect(statuses(answers).filter((status) => status === 401)).toHaveLength(5);
    expect(statuses(answers).filter((status) => status === 429)).toHaveLength(45);
  });

  test("guesses are counted for all servers, and Redis is told no e-mail address", async () => {
    const redis = await given(startRedis());
    const servers = [await start(redis.url), await start(redis.url)] as const;
    await until("ready", ...servers);
    const [one, two] = [servers[0].deps.rateLimits, servers[1].deps.rateLimits];
    const account = "ada@example.com";
    for (let i = 0; i < 100; i++)
      await (i % 2 ? one : two).takePasswordAttempt(account, `192.0.2.${i % 10}`, false);
    for (const limits of [one, two])
      await expect(limits.takePasswordAttempt(account, "192.0.2.99", false)).rejects.toMatchObject({
        code: "RATE_LIMIT_EXCEEDED",
      });
    await expect(one.takePasswordAttempt(account, "192.0.2.99", true)).resolves.toBeDefined();
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    const keys = await client.keys("*");
    expect(keys.every((key) => key.startsWith("taskwire:"))).toBe(true);
    expect(keys.join()).not.toContain("ada");
  });

  test("SCRIPT FLUSH and FLUSHALL do no harm, and give no more guesses", async () => {
    const redis = await given(startRedis());
    const server = await start(redis.url);
    await until("ready", server);
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
    await until("ready", server);
    expectNoFault(server);
  });
});

describe.each(transports)("without Redis, over $name", (transport) => {
  test("a server starts, limits, and counts with the others once there is one", async () => {
    const redis = await given(redisServer());
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await until("degraded", one, two);
    let login = newClient();
    for (let i = 0; i < 5; i++) expect((await login(one, transport)).status).toBe(401);
    expectError(await login(one, transport), 429, "RATE_LIMIT_EXCEEDED");
    await redis.start();
    await until("ready", one, two);
    login = newClient();
    for (const server of [one, two, one, two, one])
      expect((await login(server, transport)).status).toBe(401);
    expectError(await login(two, transport), 429, "RATE_LIMIT_EXCEEDED");
    for (const server of [one, two]) expectNoFault(server);
  });

  test("a Redis killed between attempts gives nobody a fresh budget, nor when it is back", async () => {
    const redis = await given(startRedis());
    const server = await start(redis.url);
    await until("ready", server);
    const login = newClient();
    for (let i = 0; i < 3; i++) expect((await login(server, transport)).status).toBe(401);
    await redis.kill();
    for (let i = 0; i < 2; i++) expect((await login(server, transport)).status).toBe(401);
    expectError(await login(server, transport), 429, "RATE_LIMIT_EXCEEDED");
    await until("degraded", server);
    await redis.start();
    await until("ready", server);
    expectError(await login(server, transport), 429, "RATE_LIMIT_EXCEEDED");
    expectNoFault(server);
  });

  test("a Redis that stops answering delays one attempt, and is used again", async () => {
    const redis = await given(startRedis());
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await until("ready", one, two);
    let login = newClient();
    const timed = async () => {
      const began = performance.now();
      const { status } = await login(one, transport);
      return { status, ms: performance.now() - began };
    };
    const before = [await timed(), await timed(), await timed()];
    redis.pause();
    const during = [];
    for (let i = 0; i < 12; i++) during.push(await timed());
    expect([...before, ...during].map(({ status }) => status)).toEqual([
      ...Array(5).fill(401),
      ...Array(10).fill(429),
    ]);
    expect(during[0]?.ms).toBeLessThan(600);
    // One waits; a machine with much else to do may be slow once or twice itself.
    expect(during.filter(({ ms }) => ms > 140).length).toBeLessThanOrEqual(3);
    await until("degraded", one);
    await expect.poll(() => told(one).at(-1), { timeout: 3000 }).toBe(away);
    redis.resume();
    await until("ready", one, two);
    await expect.poll(() => told(one).at(-1), { timeout: 3000 }).toBe(there);
    login = newClient();
    for (const server of [one, two, one, two, one])
      expect((await login(server, transport)).status).toBe(401);
    expectError(await login(two, transport), 429, "RATE_LIMIT_EXCEEDED");
    for (const server of [one, two]) expectNoFault(server);
  });
});

test("what accepts connections and never answers is no Redis, and keeps nobody from closing", async () => {
  const sockets = new Set<Socket>();
  const mute = createServer((socket) => sockets.add(socket.on("error", () => {})));
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  // It listens at a port, not at a pipe.
  const { port } = mute.address() as { port: number };
  const server = await start(`redis://127.0.0.1:${port}`);
  const login = newClient();
  const began = performance.now();
  for (let i = 0; i < 5; i++) expect((await login(server)).status).toBe(401);
  expectError(await login(server), 429, "RATE_LIMIT_EXCEEDED");
  expect(performance.now() - began).toBeLessThan(1500);
  await until("degraded", server);
  // It tries again by itself.
  await expect.poll(() => sockets.size, { timeout: 5000 }).toBeGreaterThan(1);
  const closing = performance.now();
  await server.deps.close();
  expect(performance.now() - closing).toBeLessThan(500);
});

test("closing does not wait for a Redis that has stopped answering", async () => {
  const redis = await given(startRedis());
  const server = await start(redis.url);
  await until("ready", server);
  redis.pause();
  const attempt = newClient()(server);
  const began = performance.now();
  await server.deps.close();
  expect(performance.now() - began).toBeLessThan(500);
  expect((await attempt).status).toBe(401);
});

test.each([
  ["full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"], "OOM"],
  ["read-only", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"], "READONLY"],
] as const)("a Redis that is %s is away until it is not", async (_, spoil, mend, reason) => {
  const redis = await given(startRedis("--maxmemory-policy", "noeviction"));
  const server = await start(redis.url);
  await until("ready", server);
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  const login = newClient();
  expect((await login(server)).status).toBe(401);
  const [[bad, ...badly], [good, ...well]] = [spoil, mend];
  await client.call(bad, ...badly);
  for (let i = 0; i < 4; i++) expect((await login(server)).status).toBe(401);
  expectError(await login(server), 429, "RATE_LIMIT_EXCEEDED");
  await until("degraded", server);
  await expect.poll(() => told(server).at(-1), { timeout: 3000 }).toBe(away);
  expect(server.log.find(({ msg }) => msg === away)).toMatchObject({ level: "warn", reason });
  await client.call(good, ...well);
  await until("ready", server);
  expectNoFault(server);
});

test("a Redis that comes and goes is neither a fault nor a storm in the log", async () => {
  const redis = await given(startRedis("--requirepass", "hunter2"));
  const server = await start(redis.url.replace("//", "//:hunter2@"));
  const began = performance.now();
  const answers: CallResponse[] = [];
  const flapping = new AbortController();
  const traffic = async (transport: Transport): Promise<void> => {
    while (!flapping.signal.aborted) answers.push(await newClient()(server, transport));
  };
  const running = transports.map(traffic);
  for (let i = 0; i < 3; i++) {
    await until("ready", server);
    redis.pause();
    await until("degraded", server);
    redis.resume();
    await until("ready", server);
    await redis.kill();
    await until("degraded", server);
    await redis.start();
  }
  flapping.abort();
  await Promise.all(running);
  expect(new Set(statuses(answers))).toEqual(new Set([401]));
  expectNoFault(server);
  const seconds = (performance.now() - began) / 1000;
  const lines = server.log.filter((line) => !("request_id" in line));
  expect(lines.length).toBeLessThanOrEqual(seconds + 5);
  expect(JSON.stringify(server.log)).not.toContain("hunter2");
});

test("a wrong password for Redis is told, but not which", async () => {
  const redis = await given(startRedis("--requirepass", "hunter2"));
  const server = await start(redis.url.replace("//", "//:hunter3@"));
  await expect.poll(() => told(server), { timeout: 3000 }).toEqual([away]);
  expect(server.log.find(({ msg }) => msg === away)).toMatchObject({ reason: "WRONGPASS" });
  expect(JSON.stringify(server.log)).not.toContain("hunter3");
});
