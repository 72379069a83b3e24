import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import { AppError, type sessionId, type sessionList, type token } from "@taskwire/shared";
import { type RawBuilder, sql } from "kysely";
import type { z } from "zod";
import type { Database } from "../../db/orm.ts";
import { isoTime } from "../../db/sql.ts";
import type { Identity, RefreshIdentity } from "../../security/tokens.ts";
import type { ServiceContext, UserContext } from "../context.ts";
import { assertUserExists } from "../users.ts";

type Token = z.output<typeof token>;

/** Seconds after a rotation in which older tokens are taken for late requests of the same client. */
const grace = 10;

/** The most sessions that a list shows. */
const maxListed = 100;

const later = (time: Date, seconds: number): Date => new Date(time.getTime() + seconds * 1000);

const inSeconds = (time: Date): number => Math.floor(time.getTime() / 1000);

/** Where the client is, to be shown: a header that a proxy passed on may hold anything. */
const addressOf = ({ address }: ServiceContext): string =>
  isIP(address) === 0 ? "unknown" : address;

/** The refresh token goes into the cookie, the access token is answered. */
const issue = async (
  ctx: ServiceContext,
  identity: RefreshIdentity,
  lifetime: { issuedAt: number; expiresAt: number },
): Promise<Token> => {
  ctx.refreshCookie.set(await ctx.tokens.signRefresh(identity, lifetime));
  return { access_token: await ctx.tokens.signAccess(identity), token_type: "bearer" };
};

interface SigningIn {
  id: string;
  email: string;
  /** The hash that the password was checked against. */
  password_hash: string;
  /** What is to replace it, if anything. */
  newHash?: string | undefined;
}

/**
 * Begins a session for an account whose password was just checked, unless the password was changed meanwhile:
 * the row is locked and looked at again in the statement that begins the session.
 * @returns the tokens, or nothing where the hash is another by now
 */
export const openSession = async (
  ctx: ServiceContext,
  { id, email, password_hash, newHash }: SigningIn,
): Promise<Token | undefined> => {
  const now = ctx.clock();
  const ends_at = later(now, ctx.config.sessionMaxAge);
  const rolling = later(now, ctx.config.refreshTokenTtl);
  const expires_at = rolling < ends_at ? rolling : ends_at;
  const sid = randomUUID();
  const owner =
    newHash === undefined
      ? sql`select id from users where id = ${id} and password_hash = ${password_hash} for share`
      : sql`update users set password_hash = ${newHash}
          where id = ${id} and password_hash = ${password_hash} returning id`;
  const { rows } = await sql`
    with owner as (${owner})
    insert into sessions (id, user_id, device, address, created_at, rotated_at, expires_at, ends_at)
    select ${sid}::uuid, owner.id, ${ctx.device()}, ${addressOf(ctx)}, ${now.toISOString()}::timestamptz,
      ${now.toISOString()}::timestamptz, ${expires_at.toISOString()}::timestamptz, ${ends_at.toISOString()}::timestamptz
    from owner returning id`.execute(ctx.db);
  if (rows.length === 0) return undefined;
  const lifetime = { issuedAt: inSeconds(now), expiresAt: inSeconds(expires_at) };
  return issue(ctx, { id, email, sid, generation: 0 }, lifetime);
};

interface RotationRow {
  email: string;
  generation: number;
  issued_at: number;
  expires_at: number;
  is_revoked: boolean;
}

/**
 * Exchanges a refresh token for its successor, in one statement that decides by the row as it is once it has its lock:
 * the newest token is exchanged; its parent (a retry, or another tab) and, within the grace, any older one get that
 * same successor; whatever else is a stolen token, and ends the session (RFC 9700 §4.14.2).
 * @throws {AppError} INVALID_TOKEN
 */
export const rotateSession = async (
  ctx: ServiceContext,
  { id, sid, generation }: RefreshIdentity,
): Promise<Token> => {
  const now = ctx.clock();
  const [time, graceStart] = [now.toISOString(), later(now, -grace).toISOString()];
  const rolling = later(now, ctx.config.refreshTokenTtl).toISOString();
  const isNewest = sql<boolean>`generation = ${generation}`;
  const isHarmless = sql<boolean>`(${generation} in (generation, generation - 1)
    or (${generation} < generation and rotated_at >= ${graceStart}))`;
  const { rows } = await sql<RotationRow>`
    update sessions set
      generation = case when ${isNewest} then generation + 1 else generation end,
      rotated_at = case when ${isNewest} then ${time} else rotated_at end,
      expires_at = case when ${isNewest} then least(${rolling}, ends_at) else expires_at end,
      device = case when ${isNewest} then ${ctx.device()} else device end,
      address = case when ${isNewest} then ${addressOf(ctx)} else address end,
      revoked_at = case when not ${isHarmless} then now() end
    from users
    where sessions.id = ${sid} and user_id = ${id} and users.id = user_id and revoked_at is null
    returning email, generation, floor(extract(epoch from rotated_at))::float8 as issued_at,
      floor(extract(epoch from expires_at))::float8 as expires_at, revoked_at is not null as is_revoked`.execute(
    ctx.db,
  );
  const [turned] = rows;
  if (turned === undefined) throw new AppError("INVALID_TOKEN");
  if (turned.is_revoked) {
    ctx.revocations.add([sid]);
    ctx.log.warn(
      { session: sid, user: id, generation, newest: turned.generation },
      "A refresh token was used again long after its successor: its session is ended",
    );
    throw new AppError("INVALID_TOKEN");
  }
  const { email, issued_at: issuedAt, expires_at: expiresAt } = turned;
  return issue(ctx, { id, email, sid, generation: turned.generation }, { issuedAt, expiresAt });
};

/** Ends sessions of a user by a condition; gives their ids. Other replicas learn of them as soon as they look. */
const end = async (
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
 * Ends the session of a token, if it has not ended already.
 * @returns whether there was anything to end
 */
export const endSession = async (ctx: ServiceContext, { id, sid }: Identity): Promise<boolean> => {
  const ended = await end(ctx.db, id, sql`id = ${sid}`);
  ctx.revocations.add(ended);
  return ended.length > 0;
};

/**
 * Ends all sessions of a user but the one.
 * @param db a transaction whose success the caller awaits before telling `revocations`
 * @returns the ids of those that ended
 */
export const endOtherSessions = (db: Database, { id, sid }: Identity): Promise<string[]> =>
  end(db, id, sql`id <> ${sid}`);

/**
 * The caller's sessions that can still be refreshed, the last used first, at most 100.
 * @throws {AppError} INVALID_TOKEN when the user is no more
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
    .where("expires_at", ">", ctx.clock().toISOString())
    .orderBy("rotated_at", "desc")
    .orderBy("id")
    .limit(maxListed)
    .execute();
  if (rows.length === 0) await assertUserExists(ctx);
  return rows;
};

/**
 * Ends one of the caller's sessions; one that is not theirs, or is no more, is as good as ended.
 * @throws {AppError} INVALID_TOKEN when the user is no more
 */
export const revokeSession = async (
  ctx: UserContext,
  { session_id: sid }: z.output<typeof sessionId>,
): Promise<void> => {
  if (!(await endSession(ctx, { ...ctx.user, sid }))) await assertUserExists(ctx);
};

/**
 * Ends all sessions of the caller but the one that calls.
 * @throws {AppError} INVALID_TOKEN when the user is no more
 */
export const revokeOtherSessions = async (ctx: UserContext): Promise<void> => {
  const ended = await endOtherSessions(ctx.db, ctx.user);
  ctx.revocations.add(ended);
  if (ended.length === 0) await assertUserExists(ctx);
};
