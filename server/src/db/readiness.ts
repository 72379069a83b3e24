import { withTimeout } from "../timeout.ts";
import { pendingMigrations } from "./migrator.ts";
import type { Orm } from "./orm.ts";

/** Milliseconds: with `maxAge`, less than the 2 s after which a stopped database is noticed. */
const maxCheckTime = 900;

/** Milliseconds for which a result is valid. Anyone may request it, so that each request must not cost a statement. */
const maxAge = 1000;

/** Returns the names of the pending migrations, at most a second old. Rejects while the database is unavailable. */
export type CheckDatabase = () => Promise<readonly string[]>;

const check = async (orm: Orm): Promise<readonly string[]> => {
  const pending = await withTimeout(maxCheckTime, () => pendingMigrations(orm, orm.probe));
  if (pending !== undefined) return pending;
  // The start has applied all migrations. The check only waits for calls, with which it shares the one connection.
  if (orm.embedded) return [];
  throw new Error(`PostgreSQL did not answer within ${maxCheckTime} ms`);
};

/** Creates the check of a database. Concurrent callers share one check, and later ones its result. */
export const createDatabaseCheck = (orm: Orm, clock: () => Date): CheckDatabase => {
  let last: { at: number; result: Promise<readonly string[]> } | undefined;
  return () => {
    const now = clock().getTime();
    // The system may set its clock back.
    if (last === undefined || Math.abs(now - last.at) >= maxAge)
      last = { at: now, result: check(orm) };
    return last.result;
  };
};
