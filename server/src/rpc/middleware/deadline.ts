import { serviceUnavailable } from "../../errors.ts";
import { withTimeout } from "../../timeout.ts";
import { t } from "../init.ts";

/** Milliseconds after which a call is rejected, so that every client has a response within 3 s. */
const maxCallTime = 2800;

/**
 * Rejects a call that takes too long with SERVICE_UNAVAILABLE, and aborts its `ctx.call.signal()`, so that it leaves
 * any queue. It does not stop the service, whose later result is discarded.
 */
export const deadline = t.middleware(async ({ ctx, next }) => {
  const { call } = ctx;
  const result = await withTimeout(maxCallTime, (expired) =>
    next({ ctx: { call: { ...call, signal: () => AbortSignal.any([call.signal(), expired]) } } }),
  );
  if (result !== undefined) return result;
  throw serviceUnavailable(new Error(`No result within ${maxCallTime} ms`));
});
