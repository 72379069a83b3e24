// The cost of a setting in throughput: node tests/load/metrics-cost.ts DATABASE_URL [ROUNDS] [SECONDS] [NAME=VALUE]
// Starts two servers on a migrated database, one with the setting (METRICS_PORT=0 by default) and one without, sends calls
// to them in turns, and prints the ratio of the calls that each completed in the same time.
import { tmpdir } from "node:os";
import { served, start } from "../support/process/executable.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { send } from "../support/client/http.ts";

const [url = "", rounds = "20", seconds = "3", setting = "METRICS_PORT=0"] = process.argv.slice(2);
const [name = "", value = ""] = setting.split(/=(.*)/s);

/** Calls that are under way at the same time. */
const atOnce = 8;

const env = {
  PORT: "0",
  DATABASE_URL: url,
  JWT_SECRET_KEY: "5ec2e7".repeat(11),
  RATE_LIMIT_CALLS_PER_USER: "0",
  RATE_LIMIT_CALLS_PER_ADDRESS: "0",
  RATE_LIMIT_REGISTER: "1000000",
  RATE_LIMIT_LOGIN: "1000000",
};

/** Returns a function that sends calls for a time, and returns how many were completed. */
const startTarget = async (settings: Record<string, string>) => {
  const running = start("main", {
    folder: tmpdir(),
    env: { ...env, ...settings },
    lifetime: 0,
  });
  const server = await served(running);
  const { token } = await signedInUser({ url: server.url });
  const request = {
    method: "GET",
    path: "/api/v1/tags",
    headers: { authorization: `Bearer ${token}` },
  };
  const run = async (): Promise<number> => {
    const end = performance.now() + Number(seconds) * 1000;
    let completed = 0;
    const client = async (): Promise<void> => {
      while (performance.now() < end) {
        await send(server.url, request);
        completed++;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, client));
    return completed;
  };
  return { run, stop: () => running.kill("SIGTERM") };
};

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

const without = await startTarget({});
const measured = await startTarget({ [name]: value });
await without.run();
await measured.run();
const ratios: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  // Each round in the other order, so that a machine that gets slower does not favour one of them.
  const order = round % 2 === 0 ? [without, measured] : [measured, without];
  const counts = new Map<typeof without, number>();
  for (const target of order) counts.set(target, await target.run());
  const [base = 0, other = 0] = [counts.get(without), counts.get(measured)];
  ratios.push(other / base);
  console.log(`Round ${round + 1}: ${base} calls without, ${other} with ${name}`);
}
console.log(
  `Throughput with ${name}: ${(median(ratios) * 100).toFixed(1)} % (median of ${rounds})`,
);
await Promise.all([without.stop(), measured.stop()]);
