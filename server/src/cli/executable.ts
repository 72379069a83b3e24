import { existsSync } from "node:fs";
import { ConfigError } from "../config.ts";
import { OperatorError } from "../errors.ts";

/** Adds the variables of a `.env` file in the working directory, if there is one; what is set already wins. */
export const loadEnvFile = (): void => {
  if (existsSync(".env")) process.loadEnvFile();
};

/** Says why on standard error and ends the process with a failure. */
const fail = (error: unknown): never => {
  const mendable =
    error instanceof OperatorError ||
    error instanceof ConfigError ||
    (error instanceof Error && "syscall" in error);
  console.error(mendable ? error.message : error);
  process.exit(1);
};

/** Runs an executable's work: if that fails, or can never end, the process ends with a failure. */
export const run = (work: () => Promise<void>): void => {
  // With nothing left to wait for, Node would end with success although the work did not.
  const stuck = (): never => fail(new Error("Stopped half way: nothing is left to wait for"));
  process.once("beforeExit", stuck);
  work().then(() => process.off("beforeExit", stuck), fail);
};
