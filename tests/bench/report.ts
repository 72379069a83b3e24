import type { Sample } from "./load.ts";

/** What all rounds have measured of one operation on one server. */
export interface Measurement {
  operation: string;
  target: string;
  samples: readonly Sample[];
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper;
};

/** Medians of all rounds, with the lowest and the highest throughput and CPU time. */
export interface Summary extends Sample {
  operation: string;
  target: string;
  slowest: number;
  fastest: number;
  minCpu: number;
  maxCpu: number;
}

export const summaryOf = ({ operation, target, samples }: Measurement): Summary => {
  const of = (key: keyof Sample) => median(samples.map((sample) => sample[key]));
  const rates = samples.map(({ requestsPerSecond }) => requestsPerSecond);
  const cpuTimes = samples.map(({ cpu }) => cpu);
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
    minCpu: Math.min(...cpuTimes),
    maxCpu: Math.max(...cpuTimes),
  };
};

/** The median of the ratios of all rounds: a round in which the whole machine is slow does not change it. */
export const ratioOf = (
  first: Measurement,
  second: Measurement,
  key: "requestsPerSecond" | "cpu",
): number =>
  median(first.samples.map((sample, round) => sample[key] / (second.samples[round]?.[key] ?? NaN)));

const columns = ["server", "req/s", "(range)", "p50 ms", "p99 ms", "CPU µs", "(range)", "RSS MiB"];

const widths = [20, 8, 15, 8, 8, 8, 13, 9];

const rowOf = (cells: readonly string[]): string =>
  cells
    .map((cell, index) => {
      const width = widths[index] ?? 9;
      return index === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join("");

/** Returns the row of one server. */
const cellsOf = (summary: Summary): string[] => {
  const { target, requestsPerSecond, p50, p99, cpu, rssMiB } = summary;
  const rounded = (value: number): string => value.toFixed(0);
  return [
    `  ${target}`,
    rounded(requestsPerSecond),
    `${rounded(summary.slowest)}–${rounded(summary.fastest)}`,
    p50.toFixed(1),
    p99.toFixed(1),
    rounded(cpu),
    `${rounded(summary.minCpu)}–${rounded(summary.maxCpu)}`,
    rounded(rssMiB),
  ];
};

/** Returns the table as text: under each operation its servers, and the ratio of the first to the second. */
export const tableOf = (
  rows: readonly {
    summaries: readonly Summary[];
    ratio?: number;
    cpuRatio?: number;
    goal?: number | undefined;
  }[],
): string => {
  const lines = [rowOf(columns)];
  for (const { summaries, ratio, cpuRatio, goal } of rows) {
    const comparison = ratio === undefined ? "" : `  ratio ${ratio.toFixed(2)}`;
    const wanted = goal === undefined || ratio === undefined ? "" : `, goal ${goal}`;
    const cpuComparison = cpuRatio === undefined ? "" : `, CPU ratio ${cpuRatio.toFixed(2)}`;
    lines.push(`${summaries[0]?.operation ?? ""}${comparison}${wanted}${cpuComparison}`);
    lines.push(...summaries.map((each) => rowOf(cellsOf(each))));
  }
  return lines.join("\n");
};

/** One server beside ours: its CPU time divided by that of each of our transports; undefined where that has no such call. */
export interface PeerSummary extends Summary {
  toRest: number | undefined;
  toTrpc: number | undefined;
}

/** Returns the table of the comparison with other servers: under each operation all of them. */
export const peerTableOf = (
  rows: readonly { operation: string; summaries: readonly PeerSummary[] }[],
): string => {
  const ratio = (value: number | undefined): string => value?.toFixed(2) ?? "";
  return [
    rowOf([...columns, "CPU:REST", "CPU:tRPC"]),
    ...rows.flatMap(({ operation, summaries }) => [
      operation,
      ...summaries.map((each) => rowOf([...cellsOf(each), ratio(each.toRest), ratio(each.toTrpc)])),
    ]),
  ].join("\n");
};
