import { translateError } from "../translate-error.ts";
import type { Concern } from "./chain.ts";

const observeCall: Concern = async ({ deps: { metrics, tracing }, call, procedure }, next) => {
  const observed = { procedure, transport: call.transport };
  const startedAt = performance.now();
  const codeOf = (error: unknown): string => translateError(error).code;
  const record = (code: string): void =>
    metrics?.recordCall({ ...observed, code, seconds: (performance.now() - startedAt) / 1000 });
  try {
    const result = await (tracing?.traceCall(observed, next, codeOf) ?? next());
    record("OK");
    return result;
  } catch (error) {
    record(codeOf(error));
    throw error;
  }
};

/**
 * Measures each call, also of a batch, if METRICS_PORT is set, and makes a span of it if tracing is on. It comes first, so that it
 * sees the result of all others.
 */
export const observe: Concern = (state, next) => {
  const { metrics, tracing } = state.deps;
  return metrics === undefined && tracing === undefined ? next() : observeCall(state, next);
};
