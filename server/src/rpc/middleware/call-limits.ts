import { afterAuth, type Concern } from "./chain.ts";

/** Counts each call against the limit of its client address, before its token is verified. */
export const limitCallsOfAddress: Concern = ({ deps, call }, next) => {
  deps.callLimits.consumeAddress(call.address);
  return next();
};

/** Counts each call against the limit of its user. */
export const limitCallsOfUser = afterAuth(({ deps, user }, next) => {
  deps.callLimits.consumeUser(user.id);
  return next();
});
