// Sign-ins while Redis is stopped, frozen, slow or unstable: node tests/load/redis-outage.ts [MINUTES]
// Starts its own Redis and server. One client attempts twice the allowed rate; other clients stay below it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { served, start } from "../support/process/executable.ts";
import { startProxy } from "../support/external/proxy.ts";
import { startRedis } from "../support/external/redis.ts";

const minutes = Number(process.argv[2] ?? 10);

const redis = await startRedis();
const proxy = await startProxy(redis.port);
const folder = await mkdtemp(join(tmpdir(), "taskwire-outage-"));
const server = await served(
  start("main", {
    folder,
    lifetime: minutes * 60_000 + 120_000,
    env: { PORT: "0", REDIS_URL: `redis://127.0.0.1:${proxy.port}`, TRUST_PROXY: "127.0.0.1" },
  }),
);

interface Attempt {
  at: number;
  ms: number;
  status: number;
}

const signIn = async (address: string): Promise<Attempt> => {
  const at = performance.now();
  const response = await fetch(`${server.url}/api/v1/auth/login`, {
    method: "POST",
    headers: { "x-forwarded-for": address },
    body: new URLSearchParams({ username: `${address}@example.com`, password: "wrong horse" }),
  });
  await response.arrayBuffer();
  return { at, ms: performance.now() - at, status: response.status };
};

let addresses = 0;
const anyAddress = () => `10.0.${Math.floor(++addresses / 250)}.${addresses % 250}`;

/** Signs in for a time in ms. Returns all attempts of the greedy client, and of the others. */
const watch = async (ms: number): Promise<{ greedy: Attempt[]; others: Attempt[] }> => {
  const end = performance.now() + ms;
  const [greedy, others]: [Attempt[], Attempt[]] = [[], []];
  while (performance.now() < end) {
    greedy.push(await signIn("192.0.2.1"));
    for (let i = 0; i < 12; i++) {
      others.push(await signIn(anyAddress()));
      await sleep(450);
    }
  }
  return { greedy, others };
};

const phases: Record<string, { begin: () => unknown; end: () => unknown }> = {
  "available, for comparison": { begin: () => {}, end: () => {} },
  stopped: { begin: () => redis.kill(), end: () => redis.start() },
  frozen: { begin: () => redis.pause(), end: () => redis.resume() },
  "slow (400 ms)": { begin: () => (proxy.delay = 400), end: () => (proxy.delay = 0) },
  "unstable (700 ms on, 700 ms off)": (() => {
    let timer: NodeJS.Timeout | undefined;
    let isOpen = true;
    return {
      begin: () => {
        timer = setInterval(() => {
          isOpen = !isOpen;
          void proxy.set(isOpen ? "pass" : "reject");
        }, 700);
      },
      end: async () => {
        clearInterval(timer);
        await proxy.set("pass");
      },
    };
  })(),
};

const allOfGreedy: Attempt[] = [];
try {
  for (const [name, { begin, end }] of Object.entries(phases)) {
    await begin();
    const { greedy, others } = await watch((minutes * 60_000) / Object.keys(phases).length);
    await end();
    allOfGreedy.push(...greedy);
    const times = others.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const slow = times.filter((ms) => ms > 100).length;
    const failed = [...greedy, ...others].filter(({ status }) => status >= 500).length;
    const median = times[Math.floor(times.length / 2)]?.toFixed(0);
    console.log(
      `${name}: ${others.length} sign-ins, median ${median} ms, ${slow} above 100 ms, slowest ${times.at(-1)?.toFixed(0)} ms, ${failed} with status 5xx`,
    );
    await sleep(5000);
  }
  const evaluated = allOfGreedy.filter(({ status }) => status === 401);
  // The limiter's window starts at any attempt, so that a minute can overlap two windows.
  const inOneWindow = evaluated.map(
    ({ at }) => evaluated.filter((other) => other.at >= at && other.at < at + 60_000).length,
  );
  console.log(
    `The greedy client: ${allOfGreedy.length} attempts, ${evaluated.length} evaluated, at most ${Math.max(...inOneWindow)} in one minute`,
  );
  const lines = server.stdout.split("\n").filter((line) => line.includes("Redis"));
  console.log(`${lines.length} log lines about Redis`);
} finally {
  await server.kill("SIGTERM");
  await proxy.close();
  await redis.stop();
  await rm(folder, { recursive: true });
}
