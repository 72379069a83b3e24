import { t } from "./init.ts";
import { auth } from "./middleware/auth.ts";
import { limitCallsOfAddress, limitCallsOfUser } from "./middleware/call-limits.ts";
import { database } from "./middleware/database.ts";
import { deadline } from "./middleware/deadline.ts";
import { errors } from "./middleware/errors.ts";
import { limitBy, limitPasswords } from "./middleware/limit.ts";
import { observe } from "./middleware/observe.ts";
import { origin } from "./middleware/origin.ts";
import { retry } from "./middleware/retry.ts";
import { inTurn } from "./middleware/turn.ts";

export const { router, createCallerFactory } = t;

// `retry` comes last, so that a repeated call is not authenticated, checked or counted again.
const base = t.procedure
  .use(observe)
  .use(errors)
  .use(limitCallsOfAddress)
  .use(deadline)
  .use(database);

/** For every caller, signed in or not. */
export const publicProcedure = base.use(retry);

const signedIn = base.meta({ auth: "access" }).use(auth).use(limitCallsOfUser);

/** For a signed-in user: rejects a call without a valid access token, and provides `ctx.user`. */
export const protectedProcedure = signedIn.use(inTurn).use(retry);

/** The same for a call that hashes the user's password: each one counts, whether the password is correct or not. */
export const passwordProcedure = signedIn
  .meta({ limit: "password" })
  .use(limitPasswords)
  .use(inTurn)
  .use(retry);

/** For procedures that use the refresh cookie: rejects a page of a foreign origin. */
export const cookieProcedure = base.meta({ sameOrigin: true }).use(origin).use(retry);

/** The same with a rate limit: each call of a batch counts, whether it succeeds or not. */
export const limited = (limit: "register" | "login") =>
  base.meta({ sameOrigin: true, limit }).use(origin).use(limitBy(limit)).use(retry);
