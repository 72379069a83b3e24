import { randomInt } from "node:crypto";
import type { Parameters } from "fast-check";
import { randomFrom } from "./random.ts";

const integer = (name: string): number | undefined => {
  const text = process.env[name];
  return text === undefined ? undefined : Number(text);
};

/** Returns the number of runs of a property: the environment variable's value, or else the default. */
export const times = (variable: string, defaultCount: number): number =>
  integer(variable) ?? defaultCount;

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
