import {
  AppError,
  type loginInput,
  type message,
  type passwordConfirmation,
  type registerInput,
  type user,
} from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import { compileOnce } from "../../db/compile.ts";
import { isoTime } from "../../db/sql.ts";
import { logEvent } from "../../log/events.ts";
import type { ServiceContext, UserContext } from "../context.ts";
import { checkPassword, confirmPassword, withHashSlot } from "./password.ts";
import type { Identity } from "../../security/tokens.ts";
import { verifyRefreshCookie } from "./rotation.ts";
import { openSession, revokeSessionOf, type Token } from "./session.ts";

type User = z.output<typeof user>;

const userColumns = ["users.id", "users.email", "users.name"] as const;

/**
 * Creates an account. It hashes the password before it checks whether the address is taken, so that both outcomes take
 * the same time.
 * @throws {AppError} EMAIL_ALREADY_EXISTS, SERVICE_UNAVAILABLE
 */
export const register = (
  ctx: ServiceContext,
  input: z.output<typeof registerInput>,
): Promise<User> =>
  withHashSlot(ctx, "other", async () => {
    const password_hash = await ctx.deps.passwords.hash(input.password, ctx.call.signal());
    const created = await ctx.db
      .insertInto("users")
      .values({ email: input.email, password_hash, name: input.name ?? null })
      .onConflict((conflict) => conflict.expression(sql`lower(email)`).doNothing())
      .returning(userColumns)
      .returning(({ ref }) => isoTime(ref("users.created_at")).as("created_at"))
      .executeTakeFirst();
    if (created === undefined) throw new AppError("EMAIL_ALREADY_EXISTS", { field: "email" });
    return created;
  });

/** Returns the identity of a valid token, or undefined without one. */
const ifValid = async <Type extends Identity>(
  identity: Promise<Type>,
): Promise<Type | undefined> => {
  try {
    return await identity;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
};

const signIn = async (
  ctx: ServiceContext,
  { email, password }: z.output<typeof loginInput>,
): Promise<Token> => {
  const account = await checkPassword(ctx, email, password, "signInFailed");
  if (account === undefined) throw new AppError("INVALID_CREDENTIALS");
  const newHash = ctx.deps.passwords.needsRehash(password, account.password_hash)
    ? await ctx.deps.passwords.hash(password, ctx.call.signal())
    : undefined;
  const replaced = await ifValid(verifyRefreshCookie(ctx));
  const token = await openSession(ctx, { ...account, newHash, replaced });
  // Undefined if the hash has changed: another sign-in replaced it, or the password is a new one. Checks again.
  return token ?? signIn(ctx, { email, password });
};

/**
 * Signs in: opens a session, sets its refresh token as a cookie, and returns the access token. An outdated hash is
 * replaced, and the session of the refresh cookie that the client sent is revoked.
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
 */
export const login = (ctx: ServiceContext, input: z.output<typeof loginInput>): Promise<Token> =>
  withHashSlot(ctx, "signIn", () => signIn(ctx, input));

/**
 * Revokes the cookie's session and clears the cookie. Succeeds without a session too (CONTRACT.md, "Sign-in").
 * If the access token is of another user, a tab of the browser has not noticed yet that this user signed in: it revokes
 * that tab's session, and leaves the cookie.
 */
export const logout = async (ctx: ServiceContext): Promise<z.output<typeof message>> => {
  const [owner, caller] = await Promise.all([
    ifValid(verifyRefreshCookie(ctx)),
    ifValid(ctx.call.readToken()),
  ]);
  const isForeign = owner !== undefined && caller !== undefined && owner.id !== caller.id;
  const ended = isForeign ? caller : owner;
  if (ended !== undefined) await revokeSessionOf(ctx, ended, "signOut");
  if (!isForeign) ctx.call.refreshCookie.clear();
  return { message: "Successfully logged out" };
};

/**
 * Deletes the caller's account and all data of the user.
 * @throws {AppError} INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, INVALID_TOKEN if the user no longer exists
 */
export const deleteAccount = (
  ctx: UserContext,
  { password }: z.output<typeof passwordConfirmation>,
): Promise<void> =>
  withHashSlot(ctx, "other", async () => {
    const { id } = await confirmPassword(ctx, password, "password");
    await ctx.db.deleteFrom("users").where("id", "=", id).execute();
    ctx.deps.revocations.add([ctx.user.sid]);
    logEvent(ctx.call, "accountDeleted", { user_id: id });
  });

const readUser = compileOnce((db, { id }: { id: string }) =>
  db
    .selectFrom("users")
    .select(userColumns)
    .select(({ ref }) => isoTime(ref("users.created_at")).as("created_at"))
    .where("id", "=", id),
);

/**
 * Returns the caller's profile.
 * @throws {AppError} INVALID_TOKEN if the user no longer exists
 */
export const me = async (ctx: UserContext): Promise<User> => {
  const [row] = await readUser(ctx.db, ctx.user);
  if (row === undefined) throw new AppError("INVALID_TOKEN");
  return row;
};
