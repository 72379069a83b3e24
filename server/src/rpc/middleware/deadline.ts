import { serviceUnavailable } from "../../errors.ts";
import { withTimeout } from "../../timeout.ts";
import type { Concern } from "./chain.ts";

/** Milliseconds after which a call is rejected, so that every client has a response within 3 s. */
const maxCallTime = 2800;

/**
 * Rejects a call that takes too long with SERVICE_UNAVAILABLE, and aborts its `ctx.call.signal()`, so that it leaves
 * any queue. It does not stop the service, whose later result is discarded.
 */
export const deadline: Concern = async (state, next) => {
  const { call } = state;
  const done = await withTimeout(maxCallTime, async (expired) => {
    // A copy, because the calls of a batch share the call of their request.
    state.call = { ...call, signal: () => AbortSignal.any([call.signal(), expired()]) };
    return { result: await next() };
  });
  if (done === undefined) throw serviceUnavailable(new Error(`No result within ${maxCallTime} ms`));
  return done.result;
};
