// Speed of this server beside a hand-written one, and of its tRPC transport beside tRPC's own adapter, in one run:
// pnpm bench [--peers] [--quick] [--json] [--only TEXT] [--rounds N] [--seconds N]
// With --peers, three procedures without a database instead, beside other typed servers.
import { parseArgs } from "node:util";
import { OperatorError } from "@taskwire/server/errors.ts";
import { assertIdentical } from "./identical.ts";
import { measure, requestsOf, type Sample } from "./load.ts";
import { operationsFor } from "./operations.ts";
import { comparePeers } from "./procedures/compare.ts";
import { peerTableOf, ratioOf, summaryOf, tableOf } from "./report.ts";
import { type Target, withBench } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    peers: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    rounds: { type: "string" },
    seconds: { type: "string" },
  },
});

const { quick } = options;
const size = quick
  ? { users: 10, tasksPerUser: 1000, tasksOfLargeUser: 10_000 }
  : { users: 100, tasksPerUser: 1000, tasksOfLargeUser: 100_000 };
const rounds = Number(options.rounds ?? (quick ? 1 : 5));
const quickSeconds = options.peers ? 0.5 : 1;
const seconds = Number(options.seconds ?? (quick ? quickSeconds : 2));

// With --json, standard output has the result only.
const report = (line: string): void => console.error(line);

const operations = operationsFor(size).filter(({ name }) => name.includes(options.only));

const measureServers: Parameters<typeof withBench>[2] = async ({ targets, reset }) => {
  const measured = operations.map((operation) => ({
    operation,
    measurements: operation.targets.map((name) => ({
      target: targets[name],
      samples: [] as Sample[],
    })),
  }));
  for (const { operation, measurements } of measured) {
    const [first, second] = measurements;
    if (first !== undefined && second !== undefined && operation.large !== "first")
      await assertIdentical(operation, first.target, second.target);
  }
  const usersOf = ({ users }: Target, isLarge = false) =>
    isLarge ? users.slice(-1) : users.slice(0, -1);
  // Round 0 is the warm-up. A quick run has none: it shows that everything works, and roughly how fast.
  for (let round = quick ? 1 : 0; round <= rounds; round++) {
    report(round === 0 ? "Warming up" : `Round ${round} of ${rounds}`);
    for (const { operation, measurements } of measured) {
      for (const [index, { target, samples }] of measurements.entries()) {
        const isLarge = operation.large === "first" ? index === 0 : operation.large;
        const sample = await measure(target, {
          name: `${operation.name} on ${target.name}`,
          requestOf: requestsOf(operation, usersOf(target, isLarge)),
          seconds,
        });
        if (round > 0) samples.push(sample);
      }
    }
    await reset();
  }
  const rows = measured.map(({ operation: { name: operation, goal }, measurements }) => {
    const all = measurements.map(({ target, samples }) => ({
      operation,
      target: target.name,
      samples,
    }));
    const [first, second] = all;
    const ratio =
      first === undefined || second === undefined
        ? {}
        : {
            ratio: ratioOf(first, second, "requestsPerSecond"),
            cpuRatio: ratioOf(first, second, "cpu"),
          };
    return Object.assign({ summaries: all.map(summaryOf), goal }, ratio);
  });
  console.log(options.json ? JSON.stringify(rows, null, 2) : tableOf(rows));
};

if (options.peers) {
  try {
    const rows = await comparePeers({ rounds, seconds, only: options.only, report });
    console.log(options.json ? JSON.stringify(rows, null, 2) : peerTableOf(rows));
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    report(error.message);
    process.exitCode = 1;
  }
} else await withBench(size, report, measureServers);
