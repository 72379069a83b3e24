import { isIP } from "node:net";
import { z } from "zod";

/** An integer in decimal digits. */
export const integer = (minimum: number, maximum: number) => {
  const problem = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, problem)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, problem);
};

/** One of the given texts. */
export const oneOf = <const Values extends readonly [string, ...string[]]>(...values: Values) =>
  z.enum(values, `must be one of: ${values.join(", ")}`);

/** A text of letters, digits, signs and spaces, but without control characters and other separators. */
export const printable = (maxLength: number) =>
  z
    .string()
    .regex(
      new RegExp(String.raw`^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,${maxLength}}$`, "u"),
      `must be 1 to ${maxLength} printable characters`,
    );

/** Returns the scheme of a URL with its colon, such as "https:", or undefined if the text is not a URL. */
export const schemeOf = (text: string): string | undefined =>
  URL.canParse(text) ? new URL(text).protocol : undefined;

/**
 * Returns whether the text is a Redis URL. Stricter than the client, which accepts other texts, and throws on a
 * malformed %-encoding of user or password.
 */
export const isRedisUrl = (text: string): boolean => {
  if (!["redis:", "rediss:"].includes(schemeOf(text) ?? "")) return false;
  const { hostname, username, password, pathname } = new URL(text);
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return hostname !== "" && /^(\/\d*)?$/.test(pathname);
};

/** Splits at commas; empty items are dropped. */
export const splitList = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

const isOrigin = (text: string): boolean =>
  text === "*" ||
  (["http:", "https:"].includes(schemeOf(text) ?? "") && new URL(text).origin === text);

/** Origins as a JSON array, or separated by commas. */
export const origins = z
  .string()
  .transform((text, context) => {
    if (!text.trim().startsWith("[")) return splitList(text);
    try {
      return z.array(z.string()).parse(JSON.parse(text));
    } catch {
      context.addIssue("must be a JSON array of strings, or origins separated by commas");
      return z.NEVER;
    }
  })
  .refine(
    (list) => list.every(isOrigin),
    "must list origins like https://app.example.com: scheme, host and port only",
  );

/**
 * Returns whether the text is an IP address or a CIDR range. A prefix of 0 would trust every client, as `true` and a hop
 * count do: a client could then set its own address.
 */
export const isAddressRange = (text: string): boolean => {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  if (bits === undefined || rest.length > 0) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits);
};

/** Returns whether the text is the URL of an HTTP server, without a query. */
export const isHttpUrl = (text: string): boolean =>
  ["http:", "https:"].includes(schemeOf(text) ?? "") && !/[?#]/.test(text);
