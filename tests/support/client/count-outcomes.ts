import type { CallResponse } from "./transports.ts";

/** Counts the responses by error code, or by status where the call succeeded. */
export const countOutcomes = (responses: readonly CallResponse[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status, error } of responses) {
    const outcome = error?.code ?? String(status);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
};
