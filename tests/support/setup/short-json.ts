/** Returns the first 40 characters of a value's JSON, for a test title. */
export const shortJson = (value: unknown): string =>
  Array.from(JSON.stringify(value) ?? "nothing")
    .slice(0, 40)
    .join("");
