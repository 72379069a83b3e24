import { sql } from "kysely";
import type { Database } from "../db/orm.ts";

/**
 * Removes sessions whose last token has expired, the oldest first. Ended ones stay until then: they are how an account
 * knows the addresses of its owner.
 * @param now the sessions that expired before it
 * @param batch rows at most, 1 or more: a statement holds its locks, and replicas skip each other's
 * @returns how many were removed
 */
export const removeExpiredSessions = async (
  db: Database,
  now: Date,
  batch: number,
): Promise<number> => {
  const { rows } = await sql`
    delete from sessions where id in (
      select id from sessions where expires_at < ${now.toISOString()}
      order by expires_at limit ${batch} for update skip locked
    ) returning id`.execute(db);
  return rows.length;
};
