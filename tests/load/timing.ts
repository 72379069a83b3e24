/** The time in ms that a part of all stay below. */
const percentile = (times: number[], part: number): string => {
  const sorted = times.toSorted((a, b) => a - b);
  return `${sorted[Math.ceil(sorted.length * part) - 1]?.toFixed(0) ?? "-"} ms`;
};

/** Sends a request, and measures until its answer is there to the end. */
export const timed = async (request: () => Promise<Response>) => {
  const start = performance.now();
  const response = await request();
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - start };
};

/** Prints how long so many of something took. */
export const show = (what: string, times: number[]): void =>
  console.log(
    `${times.length} ${what}: p50 ${percentile(times, 0.5)}, p99 ${percentile(times, 0.99)}`,
  );
