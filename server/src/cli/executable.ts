import { existsSync } from "node:fs";
import { type Config, ConfigError, parseConfig } from "../config.ts";
import { readSecretFiles } from "../config/secret-files.ts";
import { OperatorError } from "../errors.ts";

/**
 * Reads the configuration: the environment, then `.env` of the working directory, if it exists, for variables that are
 * not set, then the files that `…_FILE` name.
 * @throws {ConfigError}
 */
export const readConfig = (): Config => {
  if (existsSync(".env")) process.loadEnvFile();
  const { env, problems } = readSecretFiles(process.env);
  return parseConfig(env, problems);
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

/**
 * Calls the work of an executable that has one argument, a file, and is only for the embedded database.
 * @throws {OperatorError} if the arguments are not one file, or a PostgreSQL is configured
 */
export const embeddedJob = async (
  name: "backup" | "restore",
  work: (dataDir: string, file: string) => Promise<void>,
): Promise<void> => {
  const { url, dataDir } = readConfig().database;
  const [file, ...more] = process.argv.slice(2);
  if (file === undefined || more.length > 0) throw new OperatorError(`Usage: pnpm ${name} FILE`);
  if (url !== undefined) {
    throw new OperatorError(
      `DATABASE_URL is set, and \`pnpm ${name}\` is for the embedded database. For PostgreSQL, docs/operations.md has the commands.`,
    );
  }
  await work(dataDir, file);
};
