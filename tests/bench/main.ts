// Speed of this server beside a hand-written one, and of its tRPC transport beside tRPC's own adapter, in one run:
// pnpm bench [--quick] [--json] [--only TEXT] [--rounds N] [--seconds N]
import { parseArgs } from "node:util";
import { assertIdentical } from "./identical.ts";
import { measure, type Sample } from "./load.ts";
import { operationsFor } from "./operations.ts";
import { ratioOf, summaryOf, tableOf } from "./report.ts";
import { type Target, withBench } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
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
const seconds = Number(options.seconds ?? (quick ? 0.5 : 2));

// With --json, standard output has the result only.
const report = (line: string): void => console.error(line);

const operations = operationsFor(size).filter(({ name }) => name.includes(options.only));

await withBench(size, report, async ({ targets, reset }) => {
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
        const users = usersOf(target, isLarge);
        const sample = await measure(target, operation, users, seconds);
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
      first === undefined || second === undefined ? {} : { ratio: ratioOf(first, second) };
    return Object.assign({ summaries: all.map(summaryOf), goal }, ratio);
  });
  console.log(options.json ? JSON.stringify(rows, null, 2) : tableOf(rows));
});
