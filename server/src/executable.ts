import { existsSync } from "node:fs";

/** Adds the variables of a `.env` file in the working directory, if there is one; what is set already wins. */
export const loadEnvFile = (): void => {
  if (existsSync(".env")) process.loadEnvFile();
};

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Faults that a person can mend: their message says how, and a stack trace would only hide it. */
const plain = new Set([
  "ConfigError",
  "EmbeddedDatabaseError",
  "DatabaseUnreachableError",
  "UsageError",
]);

/** Says why on standard error and ends the process with a failure. */
export const fail = (error: unknown): never => {
  const known = error instanceof Error && (plain.has(error.name) || "syscall" in error);
  console.error(known ? error.message : error);
  process.exit(1);
};
