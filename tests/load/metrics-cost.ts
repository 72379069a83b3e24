// The cost of a setting in throughput: node tests/load/metrics-cost.ts DATABASE_URL [ROUNDS] [CALLS] [NAME=VALUE]
// Starts two servers on a migrated database, one with the setting (METRICS_PORT=0 by default) and one without, sends calls
// to them in turns, and compares how many calls each completes in a second of CPU time: other load on the machine does
// not change that as it changes the calls in a second. Needs Linux.
import { tmpdir } from "node:os";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { send } from "../support/client/http.ts";
import { served, start } from "../support/process/executable.ts";
import { cpuSeconds } from "../support/process/resource-usage.ts";

const [url = "", rounds = "20", calls = "2000", setting = "METRICS_PORT=0"] = process.argv.slice(2);
const [name = "", value = ""] = setting.split(/=(.*)/s);

/** Calls that are under way at the same time. */
const atOnce = 8;

const env = {
  PORT: "0",
  DATABASE_URL: url,
  JWT_SECRET_KEY: "5ec2e7".repeat(11),
  RATE_LIMIT_CALLS_PER_USER: "0",
  RATE_LIMIT_CALLS_PER_ADDRESS: "0",
};

/** Starts a server. `run` sends the calls, and returns how many the server completed in a second of CPU time. */
const startTarget = async (settings: Record<string, string>) => {
  const options = { folder: tmpdir(), env: { ...env, ...settings }, lifetime: 0 };
  const server = await served(start("main", options));
  const { token } = await signedInUser({ url: server.url });
  const headers = { authorization: `Bearer ${token}` };
  const run = async (): Promise<number> => {
    const before = cpuSeconds(server.pid);
    let left = Number(calls);
    const client = async (): Promise<void> => {
      while (left-- > 0) await send(server.url, { method: "GET", path: "/api/v1/tags", headers });
    };
    await Promise.all(Array.from({ length: atOnce }, client));
    return Number(calls) / (cpuSeconds(server.pid) - before);
  };
  return { run, stop: () => server.kill("SIGTERM") };
};

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

const without = await startTarget({});
const measured = await startTarget({ [name]: value });
await without.run();
await measured.run();
const ratios: number[] = [];
for (let round = 1; round <= Number(rounds); round++) {
  // Each round in the other order, so that a machine that gets slower does not favour one of them.
  let [base, other] = [0, 0];
  if (round % 2 === 0) other = await measured.run();
  base = await without.run();
  if (round % 2 === 1) other = await measured.run();
  ratios.push(other / base);
  console.log(`Round ${round}: ${base.toFixed(0)} calls without, ${other.toFixed(0)} with ${name}`);
}
console.log(
  `Throughput with ${name}: ${(median(ratios) * 100).toFixed(1)} % (median of ${rounds})`,
);
await Promise.all([without.stop(), measured.stop()]);
