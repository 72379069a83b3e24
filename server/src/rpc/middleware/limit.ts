import { afterAuth, type Concern } from "./chain.ts";

/** Takes one point from the rate limit of the client's address. Rejects with RATE_LIMIT_EXCEEDED if none is left. */
export const limitBy =
  (limit: "register" | "login"): Concern =>
  async ({ deps, call }, next) => {
    await deps.rateLimits.consume(limit, call.address);
    return next();
  };

/** Takes a point of the user and one of the address for a call that hashes a password. */
export const limitPasswords = afterAuth(async ({ deps, call, user }, next) => {
  await deps.rateLimits.consumePassword(user.id, call.address);
  return next();
});
