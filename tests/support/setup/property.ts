import type { Parameters } from "fast-check";

const integer = (name: string): number | undefined => {
  const text = process.env[name];
  return text === undefined ? undefined : Number(text);
};

/** Returns the number of runs of a property: the environment variable's value, or else the default. */
export const times = (variable: string, defaultCount: number): number =>
  integer(variable) ?? defaultCount;

const [seed, path] = [integer("SEED"), process.env["SEED_PATH"]];

/** The options that repeat a failure: pass the printed seed and path as SEED and SEED_PATH. */
export const repeated: Pick<Parameters, "seed" | "path"> = {
  ...(seed === undefined ? {} : { seed }),
  ...(path === undefined ? {} : { path }),
};
