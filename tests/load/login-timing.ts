// Whether the response time of a failed sign-in reveals that the account exists: node tests/load/login-timing.ts URL [TRIES]
// Set a high RATE_LIMIT_LOGIN on the server. Compares medians, and ranks by the Mann-Whitney U test.
import { randomUUID } from "node:crypto";

const [url = "http://127.0.0.1:8000", count = "1000"] = process.argv.slice(2);
const tries = Number(count);
const api = `${url}/api/v1/auth`;

const known = `${randomUUID()}@example.com`;
await fetch(`${api}/register`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ email: known, password: "correct horse battery" }),
});

const timeOf = async (username: string): Promise<number> => {
  const body = new URLSearchParams({ username, password: "wrong horse battery" });
  const start = performance.now();
  const response = await fetch(`${api}/login`, { method: "POST", body });
  await response.arrayBuffer();
  if (response.status !== 401) throw new Error(`Expected status 401, received ${response.status}`);
  return performance.now() - start;
};

const times = { known: new Array<number>(), unknown: new Array<number>() };
for (let i = 0; i < tries * 2; i++) {
  const missing = tries - times.known.length;
  const isKnown = Math.random() < missing / (tries * 2 - i);
  const ms = await timeOf(isKnown ? known : `${randomUUID()}@example.com`);
  times[isKnown ? "known" : "unknown"].push(ms);
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const [a, b] = [medianOf(times.known), medianOf(times.unknown)];

const ranked = [...times.known.map((ms) => [ms, 1]), ...times.unknown.map((ms) => [ms, 0])];
ranked.sort(([x = 0], [y = 0]) => x - y);
const rankSum = ranked.reduce((sum, [, isKnown = 0], index) => sum + isKnown * (index + 1), 0);
const [n, m] = [times.known.length, times.unknown.length];
const z = (rankSum - (n * (n + m + 1)) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);

console.log(
  `Medians: known ${a.toFixed(2)} ms, unknown ${b.toFixed(2)} ms, ${((a / b - 1) * 100).toFixed(1)} % difference`,
);
console.log(`Rank test: z = ${z.toFixed(2)} (beyond ±2.58, p < 0.01)`);
