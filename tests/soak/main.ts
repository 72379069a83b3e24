import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrateUp } from "@taskwire/server/db/migrator.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type { Outcome } from "../support/faults/simulated-user.ts";
import { startPostgres } from "../support/external/postgres.ts";
import { startRedis } from "../support/external/redis.ts";
import { startTraffic, type Traffic } from "../support/faults/traffic.ts";
import { type Backend, startBackend } from "./backend.ts";
import { faults, type Target } from "./faults.ts";
import { randomFrom } from "./random.ts";

const [minutes = 3, seed = randomInt(2 ** 32)] = process.argv.slice(2).map(Number);
const users = 8;

/** Milliseconds; a busy machine's own slowness is in them. */
const limits = { answer: 3500, recovery: 5500 };
/** By how much a process may have grown since it was warm. */
const growth = { mib: 100, files: 20 };

/** For faults; the traffic has its own, so that the same seed gives the same faults however calls interleave. */
const random = randomFrom(seed);
const pick = <Item>(items: readonly Item[]): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("Nothing to pick from");
  return item;
};

const violations: string[] = [];
const violate = (text: string): void => {
  violations.push(text);
  say(`VIOLATION: ${text}`);
};

const began = performance.now();
const say = (text: string): void => {
  console.log(`${String(Math.round((performance.now() - began) / 1000)).padStart(5)} s  ${text}`);
};

/** Counts what calls came to; only success, a call put off, or no answer from a process that was down is right. */
const judgeOf = (backends: readonly Backend[]) => {
  const counts = { answered: 0, "put off": 0, broken: 0 };
  let slowest = 0;
  return {
    judge: ({ procedure, to, at, ms, code, cause = "", retryAfter }: Outcome): void => {
      const call = `${procedure} at ${to} after ${Math.round(ms)} ms: ${code} ${cause}`;
      slowest = Math.max(slowest, ms);
      if (ms > limits.answer) violate(`too late: ${call}`);
      if (code === undefined) counts.answered++;
      else if (code === "SERVICE_UNAVAILABLE" && retryAfter !== null) counts["put off"]++;
      else if (code === "broken" && backends.find(({ url }) => url === to)?.wasDown(at, at + ms)) {
        counts.broken++;
      } else violate(call);
    },
    summary: (): string => {
      const words = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
      return `${words.join(", ")}, the slowest ${Math.round(slowest)} ms`;
    },
  };
};

/** Polls until all users succeed again, and gives how long that took in milliseconds. */
const untilNormal = async (traffic: Traffic): Promise<number> => {
  const since = performance.now();
  while (!traffic.isNormalSince(since)) {
    if (performance.now() - since > limits.recovery) {
      violate(`not normal within ${limits.recovery} ms`);
      break;
    }
    await sleep(20);
  }
  return performance.now() - since;
};

/** Traffic and one fault after the other; then everything is read back and compared. */
const soak = async (
  target: Omit<Target, "backend">,
  backends: readonly Backend[],
): Promise<void> => {
  let turn = 0;
  const url = (): string => backends[turn++ % backends.length]?.url ?? "";
  const traffic = await startTraffic({ size: users, url, random: randomFrom(seed + 1), pause: 50 });
  const { judge, summary } = judgeOf(backends);
  let [judged, told] = [0, 0];
  const look = (): void => {
    for (const outcome of traffic.outcomes.slice(judged)) judge(outcome);
    judged = traffic.outcomes.length;
    for (const sentence of traffic.wrong.slice(told)) violate(sentence);
    told = traffic.wrong.length;
    const sizes = backends.map((backend) => backend.measure());
    const shown = sizes.map(({ mib, files }) => `${Math.round(mib)} MiB with ${files} files`);
    say(`${summary()}; ${shown.join(", ")}`);
  };
  const ticker = setInterval(look, 10_000);

  // Warm: compiled, connected, and every kind of call made.
  await sleep(10_000);
  const warm = backends.map((backend) => backend.measure());
  const end = performance.now() + minutes * 60_000;
  while (performance.now() < end) {
    const [name, strike] = pick(Object.entries(faults));
    const backend = pick(backends);
    const mend = await strike({ ...target, backend });
    const held = Math.round(500 + random() * 4000);
    await sleep(held);
    await mend();
    const recovery = Math.round(await untilNormal(traffic));
    say(`${name} (${backend.name}), for ${held} ms; normal after ${recovery} ms`);
    await sleep(random() * 2000);
  }
  await traffic.stop();
  await traffic.check();
  // What clients kept open is closed by then, and a calm process has tidied up.
  await sleep(8000);
  clearInterval(ticker);
  look();

  for (const [index, { name, measure }] of backends.entries()) {
    const [now, then] = [measure(), warm[index] ?? measure()];
    for (const key of ["mib", "files"] as const) {
      if (now[key] > then[key] + growth[key]) {
        violate(`the ${name} process grew from ${then[key]} to ${now[key]} ${key}`);
      }
    }
  }
  for (const { name, stop, complaints } of backends) {
    const code = await stop();
    if (code !== 0) violate(`the ${name} process ended with ${code}`);
    for (const complaint of complaints()) violate(`the ${name} process: ${complaint}`);
  }
};

say(`${minutes} minutes, seed ${seed}`);
const folder = await mkdtemp(join(tmpdir(), "taskwire-soak-"));
const postgres = await startPostgres();
const redis = await startRedis().catch(() => undefined);
const backends: Backend[] = [];
try {
  say(redis === undefined ? "Without Redis: no redis-server in PATH" : "With PostgreSQL and Redis");
  const options = { poolMin: 0, poolMax: 2, statementTimeout: false };
  const orm = await openPostgres(postgres.url, options);
  await migrateUp(orm);
  await orm.close();
  const env = {
    JWT_SECRET_KEY: "5ec2e7".repeat(11),
    RATE_LIMIT_REGISTER: "1000000",
    RATE_LIMIT_LOGIN: "1000000",
    RATE_LIMIT_REFRESH: "1000000",
    ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
  };
  for (const name of ["first", "second"]) {
    backends.push(await startBackend(name, folder, postgres.url, env));
  }
  await soak({ postgres, redis }, backends);
} finally {
  await Promise.all(backends.map((backend) => backend.kill()));
  await redis?.stop();
  await postgres.stop();
  await rm(folder, { recursive: true });
}
say(`${violations.length === 0 ? "No" : violations.length} violations; seed ${seed}`);
for (const violation of violations) console.log(`  - ${violation}`);
process.exitCode = violations.length === 0 ? 0 : 1;
