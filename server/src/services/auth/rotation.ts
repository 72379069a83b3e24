import { AppError, errors } from "@taskwire/shared";
import { sql } from "kysely";
import { logEvent, loggedAddress } from "../../log/events.ts";
import type { RefreshIdentity } from "../../security/tokens.ts";
import type { ServiceContext } from "../context.ts";
import { addSeconds, issueTokens, type Token } from "./session.ts";

/** Seconds after a token's own rotation in which its use still counts as a late request of the same client. */
const grace = 10;

/**
 * Verifies the refresh token in the cookie. Another host or path may set a cookie of the same name: of several, the one
 * that verifies is used. If two verify, either may be an attacker's, so neither is used and nothing is revoked.
 * @throws {AppError} MISSING_REFRESH_TOKEN, REFRESH_TOKEN_EXPIRED, INVALID_TOKEN, INVALID_TOKEN_TYPE
 */
export const verifyRefreshCookie = async ({
  deps,
  call,
}: ServiceContext): Promise<RefreshIdentity> => {
  const verified: RefreshIdentity[] = [];
  let rejection = new AppError("MISSING_REFRESH_TOKEN");
  for (const token of call.refreshCookie.read()) {
    try {
      verified.push(await deps.tokens.verifyRefresh(token));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      rejection = error;
    }
  }
  const [identity, another] = verified;
  if (identity === undefined) throw rejection;
  if (another !== undefined) throw new AppError("INVALID_TOKEN");
  return identity;
};

/** A session after its rotation statement. */
interface RotationRow {
  outcome: "rotated" | "reissued" | "reissuedLate" | "reused";
  email: string;
  generation: number;
  /** Seconds since 1970. */
  issued_at: number;
  expires_at: number;
  ends_at: number;
}

/**
 * Rotates the session of a refresh token in one statement. It locks the session's row first, so that of concurrent
 * requests each decides by the row that the one before it left.
 * @returns undefined if the session is revoked, or does not exist
 */
const rotate = async (
  ctx: ServiceContext,
  { id, sid, generation }: RefreshIdentity,
): Promise<RotationRow | undefined> => {
  const now = ctx.deps.clock();
  const graceStart = addSeconds(now, -grace).toISOString();
  const rolling = addSeconds(now, ctx.deps.config.refreshTokenTtl).toISOString();
  // The last entry is the rotation to the newest generation; an index before the first entry gives null.
  const ownRotation = sql`rotations[cardinality(rotations) - (generation - ${generation} - 1)]`;
  const recentRotations = sql`array(
    select at from unnest(rotations || ${now.toISOString()}::timestamptz) with ordinality recent(at, position)
    where at >= ${graceStart} order by position)`;
  const ifRotated = (column: string, value: unknown) =>
    sql`${sql.id(column)} = case outcome when 'rotated' then ${value} else sessions.${sql.id(column)} end`;
  const { rows } = await sql<RotationRow>`
    with locked as (
      select sessions.id, email, case
        -- The newest token.
        when generation = ${generation} then 'rotated'
        -- An older one, shortly after its own rotation: a retry, or another tab that was later.
        when generation > ${generation} and ${ownRotation} >= ${graceStart} then 'reissued'
        -- The parent of the newest, later: the client lost the response, and retries now. Twice in a row it is no
        -- accident: two parties take turns, one with the newest token and one with its parent.
        when generation = ${generation} + 1 and parent_used_at_generation is distinct from generation - 1
          then 'reissuedLate'
        -- Anything else: two parties hold tokens of this session (RFC 9700 §4.14.2).
        else 'reused'
      end as outcome
      from sessions join users on users.id = user_id
      where sessions.id = ${sid} and user_id = ${id} and revoked_at is null
      for update of sessions
    )
    update sessions set
      ${ifRotated("generation", sql`sessions.generation + 1`)},
      ${ifRotated("rotated_at", sql`${now.toISOString()}::timestamptz`)},
      ${ifRotated("expires_at", sql`least(${rolling}::timestamptz, ends_at)`)},
      ${ifRotated("device", ctx.call.device() ?? null)},
      ${ifRotated("address", loggedAddress(ctx.call.address))},
      ${ifRotated("rotations", recentRotations)},
      parent_used_at_generation = case outcome when 'reissuedLate' then sessions.generation
        else parent_used_at_generation end,
      revoked_at = case outcome when 'reused' then now() end
    from locked where sessions.id = locked.id
    returning outcome, email, generation, floor(extract(epoch from rotated_at))::float8 as issued_at,
      floor(extract(epoch from expires_at))::float8 as expires_at,
      floor(extract(epoch from ends_at))::float8 as ends_at`.execute(ctx.db);
  return rows[0];
};

/** Rotates the session, and counts that against the session. */
const countedRotate = async (
  ctx: ServiceContext,
  identity: RefreshIdentity,
): Promise<RotationRow | undefined> => {
  const refund = await ctx.deps.rateLimits.takeRefresh(identity.sid);
  try {
    return await rotate(ctx, identity);
  } catch (error) {
    // The statement failed, so the client or middleware/retry.ts repeats the refresh: it counts once.
    refund();
    throw error;
  }
};

const exchange = async (ctx: ServiceContext): Promise<Token> => {
  const identity = await verifyRefreshCookie(ctx);
  const row = await countedRotate(ctx, identity);
  if (row === undefined) throw new AppError("INVALID_TOKEN");
  const { id, sid } = identity;
  const { outcome, email, generation } = row;
  switch (outcome) {
    case "rotated":
    case "reissued":
    case "reissuedLate":
      return issueTokens(
        ctx,
        { id, email, sid, generation },
        { issuedAt: row.issued_at, expiresAt: row.expires_at, endsAt: row.ends_at },
      );
    case "reused":
      ctx.deps.revocations.add([sid]);
      ctx.deps.metrics?.countReuse();
      logEvent(ctx.call, "refreshTokenReused", { user_id: id, session_id: sid, sessions: 1 });
  }
  throw new AppError("INVALID_TOKEN");
};

/**
 * Exchanges the refresh token in the cookie for a new access token and the refresh token's successor. The successor
 * follows from the session's row alone, so that concurrent requests all get the same text. A rejected token counts
 * against the client's address; a valid one only against its session, so that other clients there cannot lock it out.
 * @throws {AppError} MISSING_REFRESH_TOKEN, REFRESH_TOKEN_EXPIRED, INVALID_TOKEN, INVALID_TOKEN_TYPE, RATE_LIMIT_EXCEEDED
 */
export const refresh = async (ctx: ServiceContext): Promise<Token> => {
  try {
    return await exchange(ctx);
  } catch (error) {
    if (error instanceof AppError && errors[error.code].trpc === "UNAUTHORIZED")
      await ctx.deps.rateLimits.consume("refresh", ctx.call.address);
    throw error;
  }
};
