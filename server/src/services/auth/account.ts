import {
  AppError,
  type loginInput,
  type message,
  type passwordConfirmation,
  type registerInput,
  type token,
  type user,
} from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import { isoTime } from "../../db/sql.ts";
import type { RefreshIdentity } from "../../security/tokens.ts";
import type { ServiceContext, UserContext } from "../context.ts";
import { checkPassword, confirmPassword } from "./password.ts";
import { endSession, openSession, rotateSession } from "./session.ts";

type User = z.output<typeof user>;
type Token = z.output<typeof token>;

const profile = ["users.id", "users.email", "users.name"] as const;

/**
 * Makes an account. The password is hashed before the address is known to be taken, so that both take as long.
 * @throws {AppError} EMAIL_ALREADY_EXISTS, SERVICE_UNAVAILABLE
 */
export const register = (
  ctx: ServiceContext,
  input: z.output<typeof registerInput>,
): Promise<User> =>
  ctx.passwords.withSlot(async () => {
    const password_hash = await ctx.passwords.hash(input.password, ctx.signal());
    const made = await ctx.db
      .insertInto("users")
      .values({ email: input.email, password_hash, name: input.name ?? null })
      .onConflict((conflict) => conflict.expression(sql`lower(email)`).doNothing())
      .returning(profile)
      .returning(({ ref }) => isoTime(ref("users.created_at")).as("created_at"))
      .executeTakeFirst();
    if (made === undefined) throw new AppError("EMAIL_ALREADY_EXISTS", { field: "email" });
    return made;
  }, ctx.signal());

const signIn = async (
  ctx: ServiceContext,
  { email, password }: z.output<typeof loginInput>,
): Promise<Token> => {
  const account = await checkPassword(ctx, email, password);
  if (account === undefined) throw new AppError("INVALID_CREDENTIALS");
  const newHash = ctx.passwords.isOutdated(account.password_hash)
    ? await ctx.passwords.hash(password, ctx.signal())
    : undefined;
  const opened = await openSession(ctx, { ...account, newHash });
  // The hash was replaced meanwhile, by another sign-in or by another password: which, only a new look can tell.
  return opened ?? signIn(ctx, { email, password });
};

/**
 * Signs in: the access token is answered, the refresh token of a new session goes into the cookie. A hash that is not
 * what a new one would be is replaced.
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
 */
export const login = (ctx: ServiceContext, input: z.output<typeof loginInput>): Promise<Token> =>
  ctx.passwords.withSlot(() => signIn(ctx, input), ctx.signal());

/**
 * Whom the cookie speaks for. Of several (another host or path may set one of the same name) the one that verifies;
 * of two that do, either may be an attacker's: neither is used, and nothing ends.
 */
const verifyRefreshCookie = async ({
  refreshCookie,
  tokens,
}: ServiceContext): Promise<RefreshIdentity> => {
  const good: RefreshIdentity[] = [];
  let refusal = new AppError("MISSING_REFRESH_TOKEN");
  for (const value of refreshCookie.values) {
    try {
      good.push(await tokens.verifyRefresh(value));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refusal = error;
    }
  }
  const [identity, another] = good;
  if (identity === undefined) throw refusal;
  if (another !== undefined) throw new AppError("INVALID_TOKEN");
  return identity;
};

/**
 * A new access token for the refresh token in the cookie, and that one's successor in its place.
 * @throws {AppError} MISSING_REFRESH_TOKEN, REFRESH_TOKEN_EXPIRED, INVALID_TOKEN, INVALID_TOKEN_TYPE
 */
export const refresh = async (ctx: ServiceContext): Promise<Token> =>
  rotateSession(ctx, await verifyRefreshCookie(ctx));

/** Ends the cookie's session and clears the cookie; succeeds where nobody was signed in too (CONTRACT.md, "Sign-in"). */
export const logout = async (ctx: ServiceContext): Promise<z.output<typeof message>> => {
  const identity = await verifyRefreshCookie(ctx).catch((error: unknown) => {
    if (error instanceof AppError) return undefined;
    throw error;
  });
  if (identity !== undefined) await endSession(ctx, identity);
  ctx.refreshCookie.clear();
  return { message: "Successfully logged out" };
};

/**
 * Deletes the caller's account with all that is theirs.
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, INVALID_TOKEN when the user is no more
 */
export const deleteAccount = (
  ctx: UserContext,
  { password }: z.output<typeof passwordConfirmation>,
): Promise<void> =>
  ctx.passwords.withSlot(async () => {
    const { id } = await confirmPassword(ctx, password, "password");
    await ctx.db.deleteFrom("users").where("id", "=", id).execute();
    ctx.revocations.add([ctx.user.sid]);
  }, ctx.signal());

/**
 * The signed-in user's profile.
 * @throws {AppError} INVALID_TOKEN when the token's user is no more
 */
export const me = async (ctx: UserContext): Promise<User> => {
  const found = await ctx.db
    .selectFrom("users")
    .select(profile)
    .select(({ ref }) => isoTime(ref("users.created_at")).as("created_at"))
    .where("id", "=", ctx.user.id)
    .executeTakeFirst();
  if (found === undefined) throw new AppError("INVALID_TOKEN");
  return found;
};
