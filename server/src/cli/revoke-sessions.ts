import { loginInput } from "@taskwire/shared";
import { isDatabaseUnavailable } from "../db/failures.ts";
import { pendingMigrations } from "../db/migrator.ts";
import { openDatabase } from "../db/open.ts";
import { OperatorError } from "../errors.ts";
import { logEvent } from "../log/events.ts";
import { openOutput } from "../log/output.ts";
import { createLogger } from "../logger.ts";
import { revokeAllSessions } from "../services/auth/revoke-all.ts";
import { readConfig, run } from "./executable.ts";

/** Normalises the address as sign-in does. */
const emailIn = ([argument, ...more]: readonly string[]): string => {
  const { data } = loginInput.shape.email.safeParse(argument);
  if (data === undefined || data === "" || more.length > 0)
    throw new OperatorError("Usage: pnpm revoke-sessions EMAIL");
  return data;
};

run(async () => {
  const config = readConfig();
  // Before the database, so that a missing argument is reported at once.
  const email = emailIn(process.argv.slice(2));
  const orm = await openDatabase(config.database, createLogger("error"));
  try {
    if ((await pendingMigrations(orm)).length > 0)
      throw new OperatorError("Migrations are pending: run `pnpm migrate up` first");
    const revoked = await revokeAllSessions(orm.em.fork().getKysely(), email);
    if (revoked === undefined) throw new OperatorError(`No account has the address ${email}`);
    const { id, count } = revoked;
    const log = createLogger(config.logLevel, await openOutput(config, 2));
    logEvent({ log }, "sessionsRevoked", { reason: "operator", user_id: id, sessions: count });
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
