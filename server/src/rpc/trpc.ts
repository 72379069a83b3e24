import { t } from "./init.ts";
import { auth } from "./middleware/auth.ts";
import { limitCallsOfAddress, limitCallsOfUser } from "./middleware/call-limits.ts";
import { forEveryone, forUsers } from "./middleware/chain.ts";
import { deadline } from "./middleware/deadline.ts";
import { errors } from "./middleware/errors.ts";
import { limitBy, limitPasswords } from "./middleware/limit.ts";
import { observe } from "./middleware/observe.ts";
import { origin } from "./middleware/origin.ts";
import { retry } from "./middleware/retry.ts";
import { inTurn } from "./middleware/turn.ts";

export const { router, createCallerFactory } = t;

// `retry` comes last, so that a repeated call is not authenticated, checked or counted again.
const base = [observe, errors, limitCallsOfAddress, deadline];
const signedIn = [...base, auth, limitCallsOfUser];

/** For every caller, signed in or not. */
export const publicProcedure = t.procedure.use(forEveryone(...base, retry));

/** For a signed-in user: rejects a call without a valid access token, and provides `ctx.user`. */
export const protectedProcedure = t.procedure
  .meta({ auth: "access" })
  .use(forUsers(...signedIn, inTurn, retry));

/** The same for a call that hashes the user's password: each one counts, whether the password is correct or not. */
export const passwordProcedure = t.procedure
  .meta({ auth: "access", limit: "password" })
  .use(forUsers(...signedIn, limitPasswords, inTurn, retry));

/** For procedures that use the refresh cookie: rejects a page of a foreign origin. */
export const cookieProcedure = t.procedure
  .meta({ sameOrigin: true })
  .use(forEveryone(...base, origin, retry));

/** The same with a rate limit: each call of a batch counts, whether it succeeds or not. */
export const limited = (limit: "register" | "login") =>
  t.procedure
    .meta({ sameOrigin: true, limit })
    .use(forEveryone(...base, origin, limitBy(limit), retry));
