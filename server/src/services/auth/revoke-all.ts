import { sql } from "kysely";
import type { Database } from "../../db/orm.ts";

/**
 * Revokes all sessions of the account with an e-mail address. Running servers find them by their poll.
 * @param email as `loginInput` normalises it
 * @returns the account's id and the number of sessions that had not expired, or undefined if there is no such account
 */
export const revokeAllSessions = (
  db: Database,
  email: string,
): Promise<{ id: string; count: number } | undefined> =>
  db.transaction().execute(async (transaction) => {
    // Waits for sign-ins, which lock the account too: the second statement sees the sessions that they have opened.
    const account = await transaction
      .selectFrom("users")
      .select("id")
      .where(sql`lower(email)`, "=", email)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (account === undefined) return undefined;
    const revoked = await transaction
      .updateTable("sessions")
      .set({ revoked_at: sql`now()` })
      .where("user_id", "=", account.id)
      .where("revoked_at", "is", null)
      .returning(sql<boolean>`expires_at > now()`.as("isActive"))
      .execute();
    return { id: account.id, count: revoked.filter(({ isActive }) => isActive).length };
  });
