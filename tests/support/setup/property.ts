import { randomInt } from "node:crypto";
import type { Parameters } from "fast-check";
import { randomFrom } from "./random.ts";

const integer = (name: string): number | undefined => {
  const text = process.env[name];
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text)) throw new Error(`${name} must be a whole number, not "${text}"`);
  return Number(text);
};

/** Returns the number of runs of a property: the environment variable's value, or else the default. */
export const times = (variable: string, defaultCount: number): number => {
  const count = integer(variable) ?? defaultCount;
  // With 0, a property would pass without a run.
  if (count < 1) throw new Error(`${variable} must be at least 1`);
  return count;
};

/**
 * The options of a property that ends after so many milliseconds. It then fails: in the middle of a failure's shrinking
 * with the shortest input so far, and otherwise because it has not done all its runs.
 */
export const timeLimit = (
  ms: number,
): Pick<Parameters, "interruptAfterTimeLimit" | "markInterruptAsFailure"> => ({
  interruptAfterTimeLimit: ms,
  markInterruptAsFailure: true,
});

const [seed, path] = [integer("SEED"), process.env["SEED_PATH"]];

/** The seed of random tests that fast-check does not run: SEED, or a new one. */
let randomSeed: number | undefined;

/** Creates a random generator. Prints the seed of this process once: pass it as SEED to repeat a failure. */
export const printedRandom = (): (() => number) => {
  if (randomSeed === undefined) {
    randomSeed = seed ?? randomInt(2 ** 32);
    console.log(`SEED=${randomSeed}`);
  }
  return randomFrom(randomSeed);
};

/** The options that repeat a failure: pass the printed seed and path as SEED and SEED_PATH. */
export const repeated: Pick<Parameters, "seed" | "path"> = {
  ...(seed === undefined ? {} : { seed }),
  ...(path === undefined ? {} : { path }),
};
