import type { Parameters } from "fast-check";

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

/** The options that repeat a failure: pass the printed seed and path as SEED and SEED_PATH. */
export const repeated: Pick<Parameters, "seed" | "path"> = {
  ...(seed === undefined ? {} : { seed }),
  ...(path === undefined ? {} : { path }),
};
