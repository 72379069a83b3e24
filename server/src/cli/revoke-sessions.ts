import { loginInput } from "@taskwire/shared";
import { parseConfig } from "../config.ts";
import { isDatabaseUnavailable } from "../db/failures.ts";
import { pendingMigrations } from "../db/migrator.ts";
import { openDatabase } from "../db/open.ts";
import { OperatorError } from "../errors.ts";
import { createLogger } from "../logger.ts";
import { revokeAllSessions } from "../services/auth/session.ts";
import { loadEnvFile, run } from "./executable.ts";

/** Normalises the address as sign-in does. */
const emailIn = ([argument, ...more]: readonly string[]): string => {
  const { data } = loginInput.shape.email.safeParse(argument);
  if (data === undefined || data === "" || more.length > 0)
    throw new OperatorError("Usage: pnpm revoke-sessions EMAIL");
  return data;
};

run(async () => {
  loadEnvFile();
  const { database } = parseConfig(process.env);
  // Before the database, so that a missing argument is reported at once.
  const email = emailIn(process.argv.slice(2));
  const orm = await openDatabase(database, createLogger("error"));
  try {
    if ((await pendingMigrations(orm)).length > 0)
      throw new OperatorError("Migrations are pending: run `pnpm migrate up` first");
    const count = await revokeAllSessions(orm.em.fork().getKysely(), email);
    if (count === undefined) throw new OperatorError(`No account has the address ${email}`);
    console.log(`Revoked ${count} ${count === 1 ? "session" : "sessions"} of ${email}`);
  } catch (cause) {
    if (!isDatabaseUnavailable(cause)) throw cause;
    throw new OperatorError(
      "The database is unavailable or overloaded. No session was revoked; run the command again.",
      { cause },
    );
  } finally {
    await orm.close();
  }
});
