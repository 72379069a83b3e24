import { open } from "node:fs/promises";
import { parseConfig } from "../config.ts";
import { isDatabaseUnavailable } from "../db/failures.ts";
import { pendingMigrations } from "../db/migrator.ts";
import { openDatabase } from "../db/open.ts";
import { loadEnvFile, run } from "./executable.ts";
import { createLogger } from "../logger.ts";
import { OperatorError } from "../errors.ts";
import { importUsers } from "../services/user-import.ts";

/** Lines between two lines of progress, where they pile up instead of replacing each other. */
const stride = 5000;

const { stderr } = process;

const showProgress = (lines: number): void => {
  if (stderr.isTTY) stderr.write(`\r${lines} lines`);
  else if (lines % stride === 0) console.error(`${lines} lines`);
};

const clearProgress = (): void => {
  if (stderr.isTTY) stderr.write("\r\u001B[K");
};

/** Opens the file before the database, so that a misspelt name costs nothing. */
const openFile = async (path: string | undefined) => {
  if (path === undefined) throw new OperatorError("Usage: pnpm import-users FILE");
  try {
    return await open(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OperatorError(`The file cannot be read: ${reason}`, { cause });
  }
};

run(async () => {
  loadEnvFile();
  const { database } = parseConfig(process.env);
  await using file = await openFile(process.argv[2]);
  const orm = await openDatabase(database, createLogger("error"));
  let [lines, made, present, refused] = [0, 0, 0, 0];
  const summary = () =>
    `Imported ${made}, already there ${present}, refused ${refused} of ${lines} lines`;
  try {
    if ((await pendingMigrations(orm)).length > 0)
      throw new OperatorError("Migrations are pending: run `pnpm migrate up` first");
    const chunks = file.createReadStream({ autoClose: false });
    for await (const batch of importUsers(orm.em.fork().getKysely(), chunks)) {
      made += batch.made;
      present += batch.present;
      refused += batch.refused.length;
      lines = made + present + refused;
      clearProgress();
      for (const { line, reason } of batch.refused) console.log(`line ${line}: ${reason}`);
      showProgress(lines);
    }
    clearProgress();
    console.log(summary());
    if (refused > 0) process.exitCode = 1;
  } catch (cause) {
    if (!isDatabaseUnavailable(cause)) throw cause;
    clearProgress();
    throw new OperatorError(
      `The database is away or too busy. ${summary()} so far; run it again to go on from there.`,
      { cause },
    );
  } finally {
    await orm.close();
  }
});
