import { AppError, type passwordChange } from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import type { HashKind } from "../../security/hash-slots.ts";
import { bucketOf } from "../../security/bucket.ts";
import { logEvent } from "../../log/events.ts";
import type { ServiceContext, UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";
import { revokeSessionsExcept } from "./session.ts";

/** How many of an account's last sessions have known addresses. */
const maxKnownSessions = 100;

/** Runs work that hashes in a slot, in that of the user if the caller is signed in. */
export const withHashSlot = <Result>(
  { deps, call, user }: ServiceContext & Partial<UserContext>,
  kind: HashKind,
  work: () => Promise<Result>,
): Promise<Result> =>
  deps.passwords.withSlot(work, {
    kind,
    signal: call.signal(),
    ...(user === undefined ? {} : { user: user.id }),
  });

/** An account as it was when its password was checked. */
interface Account {
  id: string;
  email: string;
  password_hash: string;
}

/**
 * Returns the account of an e-mail address if the password is correct, else undefined. Each attempt counts before the
 * password is verified; a correct one is refunded. A client address is known if the account has signed in from there:
 * attempts from other addresses cannot lock the owner out there.
 * @param failure the event of a wrong password
 * @throws {AppError} RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
 */
export const checkPassword = async (
  ctx: ServiceContext,
  email: string,
  password: string,
  failure: "signInFailed" | "passwordRejected",
): Promise<Account | undefined> => {
  // Returns one row even without such an account, because reading no row would be 0.1 ms faster.
  const { rows } = await sql<(Account | { id: null }) & { addresses: string[] }>`
    select users.id, email, password_hash, coalesce((select json_agg(distinct address) from (
        select address from sessions where user_id = users.id order by rotated_at desc limit ${maxKnownSessions}
      ) known), '[]') as addresses
    from (select) one left join users on lower(email) = ${email}`.execute(ctx.db);
  const [row] = rows;
  const account = row === undefined || row.id === null ? undefined : row;
  const bucket = bucketOf(ctx.call.address);
  const isKnown = row?.addresses.some((address) => bucketOf(address) === bucket) ?? false;
  const refund = await ctx.deps.rateLimits.takePasswordAttempt(email, ctx.call.address, isKnown);
  let isWrong = false;
  try {
    isWrong = !(await ctx.deps.passwords.verify(
      password,
      account?.password_hash,
      ctx.call.signal(),
    ));
  } finally {
    // Also if verify rejects: a password that was not verified is no attempt.
    if (!isWrong) refund();
  }
  if (!isWrong) return account;
  // Both reasons cost the same: one line.
  const reason = account === undefined ? "unknownAccount" : "wrongPassword";
  if (failure === "passwordRejected") logEvent(ctx.call, failure, {});
  else logEvent(ctx.call, failure, { reason, user_id: account?.id });
  return undefined;
};

/**
 * Checks the password of a signed-in caller again, and returns the account.
 * @param field the input field of the password, for the error
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, INVALID_TOKEN if the user no longer exists
 */
export const confirmPassword = async (
  ctx: UserContext,
  password: string,
  field: string,
): Promise<Account> => {
  const account = await checkPassword(ctx, ctx.user.email, password, "passwordRejected");
  if (account?.id === ctx.user.id) return account;
  await assertUserExists(ctx);
  throw new AppError("INVALID_CREDENTIALS", { field });
};

/**
 * Changes the caller's password and revokes all other sessions of the user.
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, INVALID_TOKEN if the user no longer exists
 */
export const changePassword = (
  ctx: UserContext,
  { current_password, new_password }: z.output<typeof passwordChange>,
): Promise<void> =>
  withHashSlot(ctx, "other", async () => {
    const account = await confirmPassword(ctx, current_password, "current_password");
    const password_hash = await ctx.deps.passwords.hash(new_password, ctx.call.signal());
    // Two statements, so that the second one sees a session that was opened while the first waited for the lock.
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
    logEvent(ctx.call, "passwordChanged", { sessions: revoked.length });
  });
