import type { TRPCError } from "@trpc/server";
import { t } from "../init.ts";
import { translateError } from "../translate-error.ts";

const codeOf = (result: { ok: true } | { ok: false; error: TRPCError }): string =>
  result.ok ? "OK" : translateError(result.error).code;

/**
 * Measures each call, also of a batch, if METRICS_PORT is set, and makes a span of it if tracing is on. It comes first, so that it
 * sees the result of all others.
 */
export const observe = t.middleware(async ({ ctx, next, path }) => {
  const { metrics, tracing } = ctx.deps;
  if (metrics === undefined && tracing === undefined) return next();
  const call = { procedure: path, transport: ctx.call.transport };
  const startedAt = performance.now();
  const result = await (tracing?.traceCall(call, next, codeOf) ?? next());
  metrics?.recordCall({
    ...call,
    code: codeOf(result),
    seconds: (performance.now() - startedAt) / 1000,
  });
  return result;
});
