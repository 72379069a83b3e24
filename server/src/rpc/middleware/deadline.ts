import { serviceUnavailable } from "../../errors.ts";
import { createDeadline } from "../../timeout.ts";
import type { Concern } from "./chain.ts";

/** Milliseconds after which a call is rejected, so that every client has a response within 3 s. */
const maxCallTime = 2800;

const withDeadline = createDeadline(maxCallTime, () =>
  serviceUnavailable(new Error(`No result within ${maxCallTime} ms`)),
);

/**
 * Rejects a call that takes too long with SERVICE_UNAVAILABLE, and aborts its `ctx.call.signal()`, so that it leaves
 * any queue. It does not stop the service, whose later result is discarded.
 */
export const deadline: Concern = (state, next) =>
  withDeadline((expired) => {
    const { call } = state;
    // A copy, because the calls of a batch share the call of their request.
    state.call = { ...call, signal: () => AbortSignal.any([call.signal(), expired()]) };
    return next();
  });
