import { existsSync } from "node:fs";
import { ConfigError } from "../config.ts";
import { OperatorError } from "../errors.ts";

/** Loads `.env` from the working directory, if it exists. Variables that are already set keep their values. */
export const loadEnvFile = (): void => {
  if (existsSync(".env")) process.loadEnvFile();
};

/** Prints the error on standard error, and exits with code 1. Prints no stack trace if the operator can fix it. */
const fail = (error: unknown): never => {
  const isForOperator =
    error instanceof OperatorError ||
    error instanceof ConfigError ||
    (error instanceof Error && "syscall" in error);
  console.error(isForOperator ? error.message : error);
  process.exit(1);
};

/** Runs the work of an executable. The process exits with code 1 if the work fails or can never finish. */
export const run = (work: () => Promise<void>): void => {
  // If the work waits for a promise that never settles, Node exits with code 0 as soon as the event loop is empty.
  const onUnfinished = (): never =>
    fail(new Error("Stopped before the work was done: it waits for a promise that never settles"));
  process.once("beforeExit", onUnfinished);
  work().then(() => process.off("beforeExit", onUnfinished), fail);
};
