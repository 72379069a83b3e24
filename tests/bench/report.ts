import type { Sample } from "./load.ts";
import type { TargetName } from "./targets.ts";

/** What all rounds have measured of one operation on one server. */
export interface Measurement {
  operation: string;
  target: TargetName;
  samples: readonly Sample[];
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper;
};

/** Medians of all rounds, with the lowest and the highest throughput. */
export interface Summary extends Sample {
  operation: string;
  target: TargetName;
  slowest: number;
  fastest: number;
}

export const summaryOf = ({ operation, target, samples }: Measurement): Summary => {
  const of = (key: keyof Sample) => median(samples.map((sample) => sample[key]));
  const rates = samples.map(({ requestsPerSecond }) => requestsPerSecond);
  return {
    operation,
    target,
    requestsPerSecond: of("requestsPerSecond"),
    p50: of("p50"),
    p99: of("p99"),
    cpu: of("cpu"),
    rssMiB: of("rssMiB"),
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
  };
};

/** The median of the ratios of all rounds: a round in which the whole machine is slow does not change it. */
export const ratioOf = (first: Measurement, second: Measurement): number =>
  median(
    first.samples.map(
      ({ requestsPerSecond }, round) =>
        requestsPerSecond / (second.samples[round]?.requestsPerSecond ?? NaN),
    ),
  );

const columns = ["server", "req/s", "(range)", "p50 ms", "p99 ms", "CPU µs", "RSS MiB"];

const widths = [10, 8, 15, 8, 8, 8, 9];

const rowOf = (cells: readonly string[]): string =>
  cells
    .map((cell, index) => (index === 0 ? cell.padEnd(10) : cell.padStart(widths[index] ?? 8)))
    .join("");

/** Returns the table as text: under each operation its servers, and the ratio of the first to the second. */
export const tableOf = (
  rows: readonly { summaries: readonly Summary[]; ratio?: number; goal?: number | undefined }[],
): string => {
  const lines = [rowOf(columns)];
  for (const { summaries, ratio, goal } of rows) {
    const comparison = ratio === undefined ? "" : `  ratio ${ratio.toFixed(2)}`;
    const wanted = goal === undefined || ratio === undefined ? "" : `, goal ${goal}`;
    lines.push(`${summaries[0]?.operation ?? ""}${comparison}${wanted}`);
    for (const each of summaries) {
      const numbers = [each.requestsPerSecond, each.p50, each.p99, each.cpu, each.rssMiB];
      const [rate = "", p50 = "", p99 = "", cpu = "", rss = ""] = numbers.map((value) =>
        value.toFixed(0),
      );
      const range = `${each.slowest.toFixed(0)}–${each.fastest.toFixed(0)}`;
      lines.push(rowOf([`  ${each.target}`, rate, range, p50, p99, cpu, rss]));
    }
  }
  return lines.join("\n");
};
