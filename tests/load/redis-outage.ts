// What sign-ins notice of a Redis that is away, mute, slow or comes and goes: node tests/load/redis-outage.ts [MINUTES]
// Starts its own Redis and server. One client tries twice as often as it may; others sign in now and then.
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

interface Try {
  at: number;
  ms: number;
  status: number;
}

const signIn = async (address: string): Promise<Try> => {
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

/** Signs in until the time is up; gives every try of the greedy client and of the others. */
const watch = async (ms: number): Promise<{ greedy: Try[]; others: Try[] }> => {
  const end = performance.now() + ms;
  const [greedy, others]: [Try[], Try[]] = [[], []];
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
  "there, for comparison": { begin: () => {}, end: () => {} },
  away: { begin: () => redis.kill(), end: () => redis.start() },
  mute: { begin: () => redis.pause(), end: () => redis.resume() },
  "slow (400 ms)": { begin: () => (proxy.delay = 400), end: () => (proxy.delay = 0) },
  "coming and going": (() => {
    let timer: NodeJS.Timeout | undefined;
    let isOpen = true;
    return {
      begin: () => {
        timer = setInterval(() => {
          isOpen = !isOpen;
          void proxy.set(isOpen ? "pass" : "refuse");
        }, 700);
      },
      end: async () => {
        clearInterval(timer);
        await proxy.set("pass");
      },
    };
  })(),
};

const everything: Try[] = [];
try {
  for (const [name, { begin, end }] of Object.entries(phases)) {
    await begin();
    const { greedy, others } = await watch((minutes * 60_000) / Object.keys(phases).length);
    await end();
    everything.push(...greedy);
    const times = others.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const slow = times.filter((ms) => ms > 100).length;
    const failed = [...greedy, ...others].filter(({ status }) => status >= 500).length;
    const median = times[Math.floor(times.length / 2)]?.toFixed(0);
    console.log(
      `${name}: ${others.length} sign-ins, median ${median} ms, ${slow} above 100 ms, the slowest ${times.at(-1)?.toFixed(0)} ms, ${failed} answered 5xx`,
    );
    await sleep(5000);
  }
  const evaluated = everything.filter(({ status }) => status === 401);
  // A window may begin at any try, so that two of them may lie within a minute.
  const inOneWindow = evaluated.map(
    ({ at }) => evaluated.filter((other) => other.at >= at && other.at < at + 60_000).length,
  );
  console.log(
    `The greedy client: ${everything.length} tries, ${evaluated.length} evaluated, at most ${Math.max(...inOneWindow)} within a minute`,
  );
  const lines = server.stdout.split("\n").filter((line) => line.includes("Redis is"));
  console.log(`${lines.length} log lines about Redis`);
} finally {
  await server.kill("SIGTERM");
  await proxy.close();
  await redis.stop();
  await rm(folder, { recursive: true });
}
