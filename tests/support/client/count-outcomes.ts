import type { Answer } from "./transports.ts";

/** Each answer's code, or its status where it succeeded: how often there was which. */
export const countOutcomes = (answers: readonly Answer[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status, error } of answers) {
    const outcome = error?.code ?? String(status);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
};
