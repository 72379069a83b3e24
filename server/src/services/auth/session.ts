import { randomUUID } from "node:crypto";
import type { sessionId, sessionList, token } from "@taskwire/shared";
import { type RawBuilder, sql } from "kysely";
import type { z } from "zod";
import type { Database } from "../../db/orm.ts";
import { isoTime } from "../../db/sql.ts";
import { logEvent, loggedAddress } from "../../log/events.ts";
import type { Identity, RefreshIdentity } from "../../security/tokens.ts";
import type { ServiceContext, UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";

/** The response to a sign-in and to a refresh: the access token. */
export type Token = z.output<typeof token>;

/** How many sessions a list contains at most. */
const maxListed = 100;

export const addSeconds = (time: Date, seconds: number): Date =>
  new Date(time.getTime() + seconds * 1000);

const inSeconds = (time: Date): number => Math.floor(time.getTime() / 1000);

/**
 * Signs both tokens: sets the refresh token as a cookie, and returns the access token.
 * @param lifetime of the refresh token, and the end of the session, which no token outlives; in seconds since 1970
 */
export const issueTokens = async (
  { deps, call }: ServiceContext,
  identity: RefreshIdentity,
  { endsAt, ...lifetime }: { issuedAt: number; expiresAt: number; endsAt: number },
): Promise<Token> => {
  if (call.record !== undefined) call.record.userId = identity.id;
  call.refreshCookie.set(await deps.tokens.signRefresh(identity, lifetime));
  return { access_token: await deps.tokens.signAccess(identity, endsAt), token_type: "bearer" };
};

interface VerifiedAccount {
  id: string;
  email: string;
  /** The hash that the password was checked against. */
  password_hash: string;
  /** Its replacement, if it is outdated. */
  newHash?: string | undefined;
  /** The session of the refresh cookie that the client sent, which the new session replaces. */
  replaced: Identity | undefined;
}

/**
 * Opens a session for an account whose password was just checked, unless the password has changed since: the statement
 * that inserts the session locks the account's row and compares the hash again. The same statement revokes the session
 * of the refresh cookie, so that a browser that signs in again leaves no session behind.
 * @returns the access token, or undefined if the hash has changed
 */
export const openSession = async (
  ctx: ServiceContext,
  { id, email, password_hash, newHash, replaced }: VerifiedAccount,
): Promise<Token | undefined> => {
  const { config, clock } = ctx.deps;
  const now = clock();
  const ends_at = addSeconds(now, config.sessionMaxAge);
  const rolling = addSeconds(now, config.refreshTokenTtl);
  const expires_at = rolling < ends_at ? rolling : ends_at;
  const sid = randomUUID();
  const owner =
    newHash === undefined
      ? sql`select id from users where id = ${id} and password_hash = ${password_hash} for share`
      : sql`update users set password_hash = ${newHash}
          where id = ${id} and password_hash = ${password_hash} returning id`;
  const { rows } = await sql<{ revoked: string | null }>`
    with owner as (${owner}), replaced as (
      update sessions set revoked_at = now()
      where id = ${replaced?.sid ?? null}::uuid and user_id = ${replaced?.id ?? null}::uuid and revoked_at is null
        and exists (select from owner)
      returning id
    )
    insert into sessions (id, user_id, device, address, created_at, rotated_at, expires_at, ends_at)
    select ${sid}::uuid, owner.id, ${ctx.call.device()}, ${loggedAddress(ctx.call.address)}, ${now.toISOString()}::timestamptz,
      ${now.toISOString()}::timestamptz, ${expires_at.toISOString()}::timestamptz, ${ends_at.toISOString()}::timestamptz
    from owner returning (select id from replaced) as revoked`.execute(ctx.db);
  const [row] = rows;
  if (row === undefined) return undefined;
  if (row.revoked !== null) {
    ctx.deps.revocations.add([row.revoked]);
    const revoked = { user_id: replaced?.id, session_id: row.revoked, sessions: 1 };
    logEvent(ctx.call, "sessionsRevoked", { reason: "newSignIn", ...revoked });
  }
  const lifetime = {
    issuedAt: inSeconds(now),
    expiresAt: inSeconds(expires_at),
    endsAt: inSeconds(ends_at),
  };
  return issueTokens(ctx, { id, email, sid, generation: 0 }, lifetime);
};

/** Revokes the sessions of a user that match a condition, and returns their ids. Other servers poll for them. */
const revokeWhere = async (
  db: Database,
  userId: string,
  condition: RawBuilder<boolean>,
): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    update sessions set revoked_at = now()
    where user_id = ${userId} and revoked_at is null and ${condition} returning id`.execute(db);
  return rows.map(({ id }) => id);
};

/**
 * Revokes the session that a token belongs to.
 * @returns whether it was active until now
 */
export const revokeSessionOf = async (
  ctx: ServiceContext,
  { id, sid }: Identity,
  reason: "signOut" | "user",
): Promise<boolean> => {
  const revoked = await revokeWhere(ctx.db, id, sql`id = ${sid}`);
  ctx.deps.revocations.add(revoked);
  if (revoked.length === 0) return false;
  logEvent(ctx.call, "sessionsRevoked", { reason, user_id: id, session_id: sid, sessions: 1 });
  return true;
};

/**
 * Revokes all sessions of a user except the one that the token belongs to.
 * @param db a transaction; the caller adds the ids to `revocations` after it has committed
 * @returns the ids of the revoked sessions
 */
export const revokeSessionsExcept = (db: Database, { id, sid }: Identity): Promise<string[]> =>
  revokeWhere(db, id, sql`id <> ${sid}`);

/**
 * Lists the caller's sessions that can still be refreshed, the last used first, at most 100.
 * @throws {AppError} INVALID_TOKEN when the user no longer exists
 */
export const listSessions = async (ctx: UserContext): Promise<z.output<typeof sessionList>> => {
  const rows = await ctx.db
    .selectFrom("sessions")
    .select(({ ref }) => [
      "id",
      "device",
      "address",
      isoTime(ref("created_at")).as("created_at"),
      isoTime(ref("rotated_at")).as("last_used_at"),
      isoTime(ref("expires_at")).as("expires_at"),
      sql<boolean>`id = ${ctx.user.sid}`.as("current"),
    ])
    .where("user_id", "=", ctx.user.id)
    .where("revoked_at", "is", null)
    .where("expires_at", ">", ctx.deps.clock().toISOString())
    .orderBy("rotated_at", "desc")
    .orderBy("id")
    .limit(maxListed)
    .execute();
  if (rows.length === 0) await assertUserExists(ctx);
  return rows;
};

/**
 * Revokes one of the caller's sessions. Succeeds for an id that is not among them, too: there is nothing left to revoke.
 * @throws {AppError} INVALID_TOKEN when the user no longer exists
 */
export const revokeSession = async (
  ctx: UserContext,
  { session_id: sid }: z.output<typeof sessionId>,
): Promise<void> => {
  if (!(await revokeSessionOf(ctx, { ...ctx.user, sid }, "user"))) await assertUserExists(ctx);
};

/**
 * Revokes all of the caller's sessions except the one that makes the call.
 * @throws {AppError} INVALID_TOKEN when the user no longer exists
 */
export const revokeOtherSessions = async (ctx: UserContext): Promise<void> => {
  const revoked = await revokeSessionsExcept(ctx.db, ctx.user);
  ctx.deps.revocations.add(revoked);
  if (revoked.length === 0) await assertUserExists(ctx);
  else logEvent(ctx.call, "sessionsRevoked", { reason: "otherSessions", sessions: revoked.length });
};
