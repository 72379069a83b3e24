import { sql } from "kysely";
import type { Database } from "../db/orm.ts";

/**
 * Deletes sessions that have expired, the oldest first. Revoked sessions stay until they expire: sign-in reads from them
 * which addresses the account's owner has used.
 * @param now deletes sessions that expired before this time
 * @param limit the maximum of rows to delete, 1 or more. Replicas skip rows that another one is deleting
 * @returns the number of deleted rows
 */
export const removeExpiredSessions = async (
  db: Database,
  now: Date,
  limit: number,
): Promise<number> => {
  const { rows } = await sql`
    delete from sessions where id in (
      select id from sessions where expires_at < ${now.toISOString()}
      order by expires_at limit ${limit} for update skip locked
    ) returning id`.execute(db);
  return rows.length;
};
