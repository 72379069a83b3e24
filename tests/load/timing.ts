/** Returns a percentile of times in ms. @param part from 0 to 1 */
const percentile = (times: number[], part: number): string => {
  const sorted = times.toSorted((a, b) => a - b);
  return `${sorted[Math.ceil(sorted.length * part) - 1]?.toFixed(0) ?? "-"} ms`;
};

/** Sends a request, and measures the milliseconds until the end of the response. */
export const timed = async (request: () => Promise<Response>) => {
  const start = performance.now();
  const response = await request();
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - start };
};

/** Prints the number and the percentiles of times in ms. */
export const printTimes = (what: string, times: number[]): void =>
  console.log(
    `${times.length} ${what}: p50 ${percentile(times, 0.5)}, p99 ${percentile(times, 0.99)}`,
  );

/** Returns the median of some numbers, with the lowest and the highest, as text. */
export const spreadOf = (values: readonly number[]): string => {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, middle, high] = [0, Math.floor(sorted.length / 2), -1].map((index) =>
    sorted.at(index)?.toFixed(0),
  );
  return `${middle} (${low}–${high})`;
};
