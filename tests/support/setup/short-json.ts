/** A value's start in JSON, for the name of a test. */
export const shortJson = (value: unknown): string =>
  Array.from(JSON.stringify(value) ?? "nothing")
    .slice(0, 40)
    .join("");
