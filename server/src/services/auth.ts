import {
  AppError,
  type loginInput,
  type message,
  type registerInput,
  type token,
  type user,
} from "@taskwire/shared";
import { sql } from "kysely";
import type { z } from "zod";
import { isoTime } from "../db/sql.ts";
import type { Identity } from "../security/tokens.ts";
import type { ServiceContext, UserContext } from "./context.ts";

type User = z.output<typeof user>;
type Token = z.output<typeof token>;

const profile = ["users.id", "users.email", "users.name"] as const;

/**
 * Makes an account. The password is hashed before the address is known to be taken, so that both take as long.
 * @throws {AppError} EMAIL_ALREADY_EXISTS, SERVICE_UNAVAILABLE
 */
export const register = async (
  ctx: ServiceContext,
  input: z.output<typeof registerInput>,
): Promise<User> => {
  const password_hash = await ctx.passwords.hash(input.password);
  const made = await ctx.db
    .insertInto("users")
    .values({ email: input.email, password_hash, name: input.name ?? null })
    .onConflict((conflict) => conflict.expression(sql`lower(email)`).doNothing())
    .returning(profile)
    .returning(({ ref }) => isoTime(ref("users.created_at")).as("created_at"))
    .executeTakeFirst();
  if (made === undefined) throw new AppError("EMAIL_ALREADY_EXISTS", { field: "email" });
  return made;
};

const accessToken = async (ctx: ServiceContext, identity: Identity): Promise<Token> => ({
  access_token: await ctx.tokens.sign("access", identity),
  token_type: "bearer",
});

/**
 * Signs in: the access token is answered, the refresh token goes into the cookie. A hash made with other
 * parameters than today's is replaced, unless the password was changed meanwhile.
 * @throws {AppError} INVALID_CREDENTIALS, SERVICE_UNAVAILABLE
 */
export const login = async (
  ctx: ServiceContext,
  input: z.output<typeof loginInput>,
): Promise<Token> => {
  const found = await ctx.db
    .selectFrom("users")
    .select(["id", "email", "password_hash"])
    .where(({ fn }) => fn("lower", ["email"]), "=", input.email)
    .executeTakeFirst();
  const fits = await ctx.passwords.verify(input.password, found?.password_hash);
  if (!fits || found === undefined) throw new AppError("INVALID_CREDENTIALS");
  if (ctx.passwords.isOutdated(found.password_hash)) {
    const password_hash = await ctx.passwords.hash(input.password);
    await ctx.db
      .updateTable("users")
      .set({ password_hash })
      .where("id", "=", found.id)
      .where("password_hash", "=", found.password_hash)
      .execute();
  }
  ctx.refreshCookie.set(await ctx.tokens.sign("refresh", found));
  return accessToken(ctx, found);
};

/**
 * A new access token for the refresh token in the cookie.
 * @throws {AppError} MISSING_REFRESH_TOKEN, REFRESH_TOKEN_EXPIRED, INVALID_TOKEN, INVALID_TOKEN_TYPE
 */
export const refresh = async (ctx: ServiceContext): Promise<Token> => {
  const { value } = ctx.refreshCookie;
  if (value === undefined || value === "") throw new AppError("MISSING_REFRESH_TOKEN");
  const { id } = await ctx.tokens.verify("refresh", value);
  const found = await ctx.db
    .selectFrom("users")
    .select(["id", "email"])
    .where("id", "=", id)
    .executeTakeFirst();
  if (found === undefined) throw new AppError("INVALID_TOKEN");
  return accessToken(ctx, found);
};

/** Clears the cookie; succeeds where nobody was signed in too (CONTRACT.md, "Sign-in"). */
export const logout = (ctx: ServiceContext): z.output<typeof message> => {
  ctx.refreshCookie.clear();
  return { message: "Successfully logged out" };
};

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
