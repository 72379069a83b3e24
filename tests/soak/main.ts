// Traffic under random faults, one after the other: node tests/soak/main.ts [MINUTES] [SEED]
// Prints a violation for each wrong or late response, lost change or growing process, and exits with 1 if there is any.
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrateUp } from "@taskwire/server/db/migration-run.ts";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type { Outcome } from "../support/faults/simulated-user.ts";
import { startPostgres } from "../support/external/postgres.ts";
import { startRedis } from "../support/external/redis.ts";
import { startTraffic, type Traffic } from "../support/faults/traffic.ts";
import { type Backend, startBackend } from "./backend.ts";
import { faults, type Target } from "./faults.ts";
import { required } from "../support/setup/required.ts";
import { randomFrom } from "../support/setup/random.ts";

const [minutes = 3, seed = randomInt(2 ** 32)] = process.argv.slice(2).map(Number);
const users = 8;

/** Limits in milliseconds: the promised 3 s and 5 s, and some time for a busy machine. */
const limits = { response: 3500, recovery: 5500 };
/** The allowed growth of a process after the warm-up. */
const maxGrowth = { mib: 100, files: 20 };

/** Chooses faults. Traffic has its own generator, so that the same seed repeats the faults however calls interleave. */
const random = randomFrom(seed);
const pick = <Item>(items: readonly Item[]): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("Nothing to pick from");
  return item;
};

const violations: string[] = [];
const reportViolation = (text: string): void => {
  violations.push(text);
  say(`VIOLATION: ${text}`);
};

const began = performance.now();
const say = (text: string): void => {
  console.log(`${String(Math.round((performance.now() - began) / 1000)).padStart(5)} s  ${text}`);
};

/** Counts outcomes. Valid are success, SERVICE_UNAVAILABLE, and a broken connection to a process that was down. */
const outcomeChecker = (backends: readonly Backend[]) => {
  const counts = { succeeded: 0, unavailable: 0, broken: 0 };
  let slowest = 0;
  return {
    checkOutcome: ({ procedure, to, at, ms, code, cause = "", retryAfter }: Outcome): void => {
      const call = `${procedure} at ${to} after ${Math.round(ms)} ms: ${code} ${cause}`;
      slowest = Math.max(slowest, ms);
      if (ms > limits.response) reportViolation(`late response: ${call}`);
      if (code === undefined) counts.succeeded++;
      else if (code === "SERVICE_UNAVAILABLE" && retryAfter !== null) counts.unavailable++;
      else if (code === "broken" && backends.find(({ url }) => url === to)?.wasDown(at, at + ms)) {
        counts.broken++;
      } else reportViolation(call);
    },
    summary: (): string => {
      const words = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
      return `${words.join(", ")}, the slowest ${Math.round(slowest)} ms`;
    },
  };
};

/** Polls until all users succeed again. Returns the elapsed milliseconds. */
const untilNormal = async (traffic: Traffic): Promise<number> => {
  const since = performance.now();
  while (!traffic.isNormalSince(since)) {
    if (performance.now() - since > limits.recovery) {
      reportViolation(`not normal within ${limits.recovery} ms`);
      break;
    }
    await sleep(20);
  }
  return performance.now() - since;
};

/** Runs traffic under one fault after the other, then reads all data back and checks it. */
const soak = async (
  target: Omit<Target, "backend">,
  backends: readonly Backend[],
): Promise<void> => {
  let turn = 0;
  const url = (): string => required(backends[turn++ % backends.length], "a backend").url;
  const traffic = await startTraffic({ size: users, url, random: randomFrom(seed + 1), pause: 50 });
  const { checkOutcome, summary } = outcomeChecker(backends);
  let [checkedOutcomes, reportedViolations] = [0, 0];
  const report = (): void => {
    for (const outcome of traffic.outcomes.slice(checkedOutcomes)) checkOutcome(outcome);
    checkedOutcomes = traffic.outcomes.length;
    for (const sentence of traffic.violations.slice(reportedViolations)) reportViolation(sentence);
    reportedViolations = traffic.violations.length;
    const sizes = backends.map(({ measure, wasDown }) => {
      const now = performance.now();
      if (wasDown(now, now)) return "down";
      const { mib, files } = measure();
      return `${Math.round(mib)} MiB with ${files} files`;
    });
    say(`${summary()}; ${sizes.join(", ")}`);
  };
  const ticker = setInterval(report, 10_000);

  // Warm-up: code is compiled, connections are open, and each procedure has been called.
  await sleep(10_000);
  const warm = backends.map((backend) => backend.measure());
  const end = performance.now() + minutes * 60_000;
  while (performance.now() < end) {
    const [name, inject] = pick(Object.entries(faults));
    const backend = pick(backends);
    const restore = await inject({ ...target, backend });
    const duration = Math.round(500 + random() * 4000);
    await sleep(duration);
    await restore();
    const recovery = Math.round(await untilNormal(traffic));
    say(`${name} (${backend.name}), for ${duration} ms; normal after ${recovery} ms`);
    await sleep(random() * 2000);
  }
  await traffic.stop();
  await traffic.check();
  // By then idle connections are closed, and garbage is collected.
  await sleep(8000);
  clearInterval(ticker);
  report();

  for (const [index, { name, measure }] of backends.entries()) {
    const [now, then] = [measure(), required(warm[index], `the size of ${name} after the warm-up`)];
    for (const key of ["mib", "files"] as const) {
      if (now[key] > then[key] + maxGrowth[key]) {
        reportViolation(`the ${name} process grew from ${then[key]} to ${now[key]} ${key}`);
      }
    }
  }
  for (const { name, stop, complaints } of backends) {
    const code = await stop();
    if (code !== 0) reportViolation(`the ${name} process exited with ${code}`);
    for (const complaint of complaints()) reportViolation(`the ${name} process: ${complaint}`);
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
