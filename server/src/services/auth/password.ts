import { AppError, type passwordChange } from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import { bucketOf } from "../../security/rate-limits.ts";
import type { ServiceContext, UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { revokeSessionsExcept } from "./session.ts";

/** Of so many of an account's last sessions the addresses are known. */
const maxAddresses = 100;

/** An account as it was when its password was checked. */
interface Account {
  id: string;
  email: string;
  password_hash: string;
}

/**
 * The account of an address, if the password is its own. Every guess counts before it is tried, and is given back if it
 * was right; an address from which the account was signed in to before is known, and no flood from elsewhere locks it out.
 * @throws {AppError} RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
 */
export const checkPassword = async (
  ctx: ServiceContext,
  email: string,
  password: string,
): Promise<Account | undefined> => {
  // One row whether there is such an account or not: reading none would be a tenth of a millisecond faster.
  const { rows } = await sql<(Account | { id: null }) & { addresses: string[] }>`
    select users.id, email, password_hash, coalesce((select json_agg(distinct address) from (
        select address from sessions where user_id = users.id order by rotated_at desc limit ${maxAddresses}
      ) known), '[]') as addresses
    from (select) one left join users on lower(email) = ${email}`.execute(ctx.db);
  const [found] = rows;
  const account = found === undefined || found.id === null ? undefined : found;
  const here = bucketOf(ctx.call.address);
  const isKnown = found?.addresses.some((address) => bucketOf(address) === here) ?? false;
  const refund = await ctx.deps.rateLimits.takePasswordAttempt(email, ctx.call.address, isKnown);
  let isWrong = false;
  try {
    isWrong = !(await ctx.deps.passwords.verify(
      password,
      account?.password_hash,
      ctx.call.signal(),
    ));
  } finally {
    // A guess that was never looked at, as too many wait, is none.
    if (!isWrong) refund();
  }
  return isWrong ? undefined : account;
};

/**
 * The caller's account, by a password that was just asked for again.
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, INVALID_TOKEN when the user is no more
 */
export const confirmPassword = async (
  ctx: UserContext,
  password: string,
  field: string,
): Promise<Account> => {
  const account = await checkPassword(ctx, ctx.user.email, password);
  if (account?.id === ctx.user.id) return account;
  await assertUserExists(ctx);
  throw new AppError("INVALID_CREDENTIALS", { field });
};

/**
 * Changes the caller's password and ends all their other sessions.
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, INVALID_TOKEN when the user is no more
 */
export const changePassword = (
  ctx: UserContext,
  { current_password, new_password }: z.output<typeof passwordChange>,
): Promise<void> =>
  ctx.deps.passwords.withSlot(async () => {
    const account = await confirmPassword(ctx, current_password, "current_password");
    const password_hash = await ctx.deps.passwords.hash(new_password, ctx.call.signal());
    // Two statements, so that the second sees a session that began while the first waited for the row.
    const revoked = await ctx.db.transaction().execute(async (db) => {
      const changed = await db
        .updateTable("users")
        .set({ password_hash })
        .where("id", "=", account.id)
        .where("password_hash", "=", account.password_hash)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined)
        throw new AppError("INVALID_CREDENTIALS", { field: "current_password" });
      return revokeSessionsExcept(db, ctx.user);
    });
    ctx.deps.revocations.add(revoked);
  }, ctx.call.signal());
