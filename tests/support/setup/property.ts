import type { Parameters } from "fast-check";

const integer = (name: string): number | undefined => {
  const text = process.env[name];
  return text === undefined ? undefined : Number(text);
};

/** How often, unless a variable of the environment says otherwise. */
export const times = (variable: string, standard: number): number => integer(variable) ?? standard;

const [seed, path] = [integer("SEED"), process.env["SEED_PATH"]];

/** To repeat a failure: the seed and the path that it printed, as SEED and SEED_PATH. */
export const repeated: Pick<Parameters, "seed" | "path"> = {
  ...(seed === undefined ? {} : { seed }),
  ...(path === undefined ? {} : { path }),
};
