/** Returns the base64 of a text at each of its three positions in a longer text, without the ends that depend on that text. */
const base64Of = (text: string): string[] =>
  [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
    return (["base64", "base64url"] as const).map((encoding) =>
      whole.toString(encoding).slice(offset === 0 ? 0 : 4),
    );
  });

/** Returns the forms in which a log may contain a text: plain, in JSON, URL-encoded, and in base64. */
const formsOf = (text: string): string[] => [
  text,
  JSON.stringify(text).slice(1, -1),
  encodeURIComponent(text),
  encodeURI(text),
  new URLSearchParams({ "": text }).toString().slice(1),
  Buffer.from(text).toString("hex"),
  ...base64Of(text),
];

/** Returns the secrets that an output contains, in any form. */
export const secretsIn = (
  output: string,
  secrets: ReadonlyMap<string, string>,
): { name: string; form: string }[] => {
  const lower = output.toLowerCase();
  return [...secrets].flatMap(([name, text]) =>
    formsOf(text)
      .filter((form) => lower.includes(form.toLowerCase()))
      .map((form) => ({ name, form })),
  );
};
