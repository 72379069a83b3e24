import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrateUp } from "@taskwire/server/db/migrator.ts";
import { openPostgres } from "@taskwire/server/db/orm.ts";
import type { Outcome } from "../support/lane.ts";
import { startPostgres } from "../support/postgres.ts";
import { startTraffic } from "../support/traffic.ts";
import { startBackend } from "./backend.ts";
import { faults } from "./faults.ts";
import { randomFrom } from "./random.ts";
import { startRedis } from "./redis.ts";

const [minutes = 3, seed = randomInt(2 ** 32)] = process.argv.slice(2).map(Number);
const users = 8;

/** Milliseconds; a busy machine's own slowness is in them. */
const limits = { answer: 3500, recovery: 5500 };
/** By how much a process may have grown since it was warm. */
const growth = { mib: 100, files: 20 };

const random = randomFrom(seed);
const pick = <Item>(items: readonly Item[]): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("Nothing to pick from");
  return item;
};

const began = performance.now();
const say = (text: string): void => {
  console.log(`${String(Math.round((performance.now() - began) / 1000)).padStart(5)} s  ${text}`);
};

say(`${minutes} minutes, seed ${seed}`);
const folder = await mkdtemp(join(tmpdir(), "taskwire-soak-"));
const postgres = await startPostgres();
const redis = await startRedis();
say(redis === undefined ? "Without Redis: no redis-server in PATH" : "With PostgreSQL and Redis");
const orm = await openPostgres(postgres.url, { poolMin: 0, poolMax: 2, statementTimeout: false });
await migrateUp(orm);
await orm.close();

const env = {
  JWT_SECRET_KEY: "5ec2e7".repeat(11),
  RATE_LIMIT_REGISTER: "1000000",
  RATE_LIMIT_LOGIN: "1000000",
  RATE_LIMIT_REFRESH: "1000000",
  ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
};
const backends = await Promise.all(
  ["first", "second"].map((name) => startBackend(name, folder, postgres.url, env)),
);
const traffic = await startTraffic({
  size: users,
  url: () => pick(backends).url,
  random,
  pause: 50,
});

const violations: string[] = [];
const violate = (text: string): void => {
  violations.push(text);
  say(`VIOLATION: ${text}`);
};

const counts = { ok: 0, "put off": 0, broken: 0 };
let [judged, told, slowest] = [0, 0, 0];

/** Only success, a call put off, or no answer from a process that was down. */
const judge = ({ procedure, to, at, ms, code, retryAfter }: Outcome): void => {
  const answer = `${procedure} at ${to} after ${Math.round(ms)} ms: ${code}`;
  slowest = Math.max(slowest, ms);
  if (ms > limits.answer) violate(`too late: ${answer}`);
  if (code === undefined) counts.ok++;
  else if (code === "SERVICE_UNAVAILABLE" && retryAfter !== null) counts["put off"]++;
  else if (code === "broken" && backends.find(({ url }) => url === to)?.wasDown(at, at + ms)) {
    counts.broken++;
  } else violate(answer);
};

const look = (): void => {
  for (const outcome of traffic.outcomes.slice(judged)) judge(outcome);
  judged = traffic.outcomes.length;
  for (const sentence of traffic.wrong.slice(told)) violate(sentence);
  told = traffic.wrong.length;
};

const measures = () => backends.map((backend) => backend.measure());
const shown = (): string => {
  const memory = measures().map(({ mib, files }) => `${Math.round(mib)} MiB/${files} files`);
  return `${counts.ok} answered, ${counts["put off"]} put off, ${counts.broken} broken; ${memory.join(", ")}`;
};

/** Polls until all users succeed again, and gives how long that took in milliseconds. */
const untilNormal = async (): Promise<number> => {
  const since = performance.now();
  while (!traffic.isNormalSince(since)) {
    if (performance.now() - since > limits.recovery) {
      violate(`not normal within ${limits.recovery} ms`);
      return limits.recovery;
    }
    await sleep(20);
  }
  return performance.now() - since;
};

const ticker = setInterval(() => {
  look();
  say(shown());
}, 10_000);

// Warm: compiled, connected, and every kind of call made.
await sleep(10_000);
const warm = measures();
const end = performance.now() + minutes * 60_000;
while (performance.now() < end) {
  const [name, strike] = pick(Object.entries(faults));
  const backend = pick(backends);
  const mend = await strike({ postgres, redis, backend });
  const held = 500 + random() * 4000;
  await sleep(held);
  await mend();
  const recovery = await untilNormal();
  look();
  say(
    `${name} (${backend.name}), for ${Math.round(held)} ms; normal after ${Math.round(recovery)} ms`,
  );
  await sleep(random() * 2000);
}
await traffic.stop();
await traffic.check();
// What clients keep open is closed by then, and a calm process gives back what it can.
await sleep(8000);
look();
clearInterval(ticker);

for (const [index, { name, measure }] of backends.entries()) {
  const [now, then] = [measure(), warm[index]];
  if (then === undefined) continue;
  for (const key of ["mib", "files"] as const) {
    if (now[key] > then[key] + growth[key]) {
      violate(`the ${name} process grew from ${then[key]} to ${now[key]} ${key}`);
    }
  }
}
say(shown());
for (const { name, stop, complaints } of backends) {
  const code = await stop();
  if (code !== 0) violate(`the ${name} process ended with ${code}`);
  for (const complaint of complaints()) violate(`the ${name} process: ${complaint}`);
}
await Promise.all([postgres.stop(), redis?.stop(), rm(folder, { recursive: true })]);
say(`The slowest answer took ${Math.round(slowest)} ms; seed ${seed}`);
say(violations.length === 0 ? "No violation" : `${violations.length} violations`);
for (const violation of violations) console.log(`  - ${violation}`);
process.exitCode = violations.length === 0 ? 0 : 1;
