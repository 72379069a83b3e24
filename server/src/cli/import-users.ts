import { open } from "node:fs/promises";
import { isDatabaseUnavailable } from "../db/failures.ts";
import { pendingMigrations } from "../db/migrator.ts";
import { openDatabase } from "../db/open.ts";
import { OperatorError, reasonOf } from "../errors.ts";
import { logEvent } from "../log/events.ts";
import { openOutput } from "../log/output.ts";
import { createLogger } from "../logger.ts";
import { importUsers } from "../services/user-import.ts";
import { readConfig, run } from "./executable.ts";

/** Imported lines between two progress messages, where standard error is not a terminal. */
const progressInterval = 5000;

const { stderr } = process;

const showProgress = (lines: number): void => {
  if (stderr.isTTY) stderr.write(`\r${lines} lines`);
  else if (lines % progressInterval === 0) console.error(`${lines} lines`);
};

const clearProgress = (): void => {
  if (stderr.isTTY) stderr.write("\r\u001B[K");
};

const openFile = async (path: string | undefined) => {
  if (path === undefined) throw new OperatorError("Usage: pnpm import-users FILE");
  try {
    return await open(path);
  } catch (cause) {
    throw new OperatorError(`The file cannot be read: ${reasonOf(cause)}`, { cause });
  }
};

run(async () => {
  const config = readConfig();
  // Before the database, so that a wrong file name is reported at once.
  await using file = await openFile(process.argv[2]);
  const orm = await openDatabase(config.database, createLogger("error"));
  let [lines, created, existing, rejected] = [0, 0, 0, 0];
  const summary = () =>
    `Imported ${created}, existing ${existing}, rejected ${rejected} of ${lines} lines`;
  try {
    if ((await pendingMigrations(orm)).length > 0)
      throw new OperatorError("Migrations are pending: run `pnpm migrate up` first");
    const chunks = file.createReadStream({ autoClose: false });
    for await (const batch of importUsers(orm.em.fork().getKysely(), chunks)) {
      created += batch.created;
      existing += batch.existing;
      rejected += batch.rejected.length;
      lines = created + existing + rejected;
      clearProgress();
      for (const { line, reason } of batch.rejected) console.log(`line ${line}: ${reason}`);
      showProgress(lines);
    }
    clearProgress();
    console.log(summary());
    if (rejected > 0) process.exitCode = 1;
  } catch (cause) {
    if (!isDatabaseUnavailable(cause)) throw cause;
    clearProgress();
    throw new OperatorError(
      `The database is unavailable or overloaded. ${summary()} so far; run the command again to continue.`,
      { cause },
    );
  } finally {
    if (lines > 0) {
      const log = createLogger(config.logLevel, await openOutput(config, 2));
      logEvent({ log }, "usersImported", { created, existing, rejected });
    }
    await orm.close();
  }
});
