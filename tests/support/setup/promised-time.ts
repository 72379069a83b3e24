import { expect } from "vitest";

/**
 * Compares a measured time with the one that the documents promise, and prints it: only in `pnpm test:times`, on a quiet
 * machine. A test that every machine must pass asserts counts and order instead.
 * @param what the subject of the printed line
 * @param ms the measured milliseconds
 * @param promised the maximum in milliseconds
 */
export const expectPromisedTime = (what: string, ms: number, promised: number): void => {
  if (process.env["PROMISED_TIMES"] === undefined) return;
  console.log(`${what}: ${ms.toFixed(0)} ms, promised ${promised} ms`);
  expect(ms).toBeLessThan(promised);
};
