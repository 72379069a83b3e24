/** Returns a value that a check needs. Throws if it is missing, so that no check passes without it. */
export const required = <Value>(value: Value | null | undefined, what: string): Value => {
  if (value === undefined || value === null) throw new Error(`Missing: ${what}`);
  return value;
};
