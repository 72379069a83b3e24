import type { Concern } from "./chain.ts";

/** Rejects a caller without a valid access token, and provides `ctx.user`. */
export const auth: Concern = async (state, next) => {
  state.user = await state.call.identify();
  return next();
};
