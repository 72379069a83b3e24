/** A value's start in JSON, for the name of a test. */
export const shown = (value: unknown): string =>
  Array.from(JSON.stringify(value) ?? "nothing")
    .slice(0, 40)
    .join("");
