import { z } from "zod";
import type { ErrorCode } from "../errors.ts";

/**
 * Returns the options of a refinement that reports a code of the error table: `schema.refine(test, rule(code))`.
 * @param code of the error if the rule is broken
 * @param error the sentence after the field's name; only VALIDATION_ERROR needs one
 */
export const rule = (code: ErrorCode, error = "is not valid") => ({
  params: { code },
  error,
  abort: true,
});

/** Counts Unicode code points, as the contract and PostgreSQL do. `string.length` counts UTF-16 units. */
export const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

/** A text that PostgreSQL can store unchanged: well-formed Unicode without U+0000, else VALIDATION_ERROR. */
export const text = () =>
  z
    .string()
    .refine(
      isStorable,
      rule(
        "VALIDATION_ERROR",
        "has a character that cannot be stored (U+0000 or a lone surrogate)",
      ),
    );

/** The arguments of `refine` for a text of at most `maxLength` code points, else VALIDATION_ERROR. */
export const atMost = (
  maxLength: number,
): [test: (value: string) => boolean, options: ReturnType<typeof rule>] => [
  (value) => codePoints(value) <= maxLength,
  rule("VALIDATION_ERROR", `must be at most ${maxLength} characters`),
];

// A name that has only spaces, control characters and invisible marks would be displayed as empty.
const isVisible = (value: string): boolean =>
  /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]/u.test(value);

/**
 * A name for display: trimmed, then 1 to `maxLength` code points with a visible one among them.
 * @param code of the error otherwise
 */
export const name = (maxLength: number, code: ErrorCode) =>
  text()
    .trim()
    .refine((value) => isVisible(value) && codePoints(value) <= maxLength, rule(code))
    .meta({ minLength: 1, maxLength });

const zoned = { offset: true, local: true };
// Zod requires seconds in a time with an offset; ISO 8601 does not.
const isoDateTime = z.union([z.iso.datetime(zoned), z.iso.datetime({ ...zoned, precision: -1 })]);

// A time without an offset is UTC (CONTRACT.md, "Tasks and tags").
const toUtc = (value: string): string | undefined => {
  if (!isoDateTime.safeParse(value).success) return undefined;
  const time = new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(value) ? value : `${value}Z`);
  if (Number.isNaN(time.getTime())) return undefined;
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999 ? time.toISOString() : undefined;
};

/**
 * An ISO 8601 date-time in the years 1 to 9999. It is converted to UTC.
 * @param code of the error otherwise
 * @param error the sentence after the field's name; only VALIDATION_ERROR needs one
 */
export const dateTime = (code: ErrorCode, error?: string) =>
  text()
    .refine((value) => toUtc(value) !== undefined, rule(code, error))
    .overwrite((value) => toUtc(value) ?? value)
    .meta({ format: "date-time" });

/**
 * One of the given texts.
 * @param code of the error for another text; a value of another type is VALIDATION_ERROR
 */
export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  code: ErrorCode,
): z.ZodType<Values[number], Values[number]> =>
  text()
    .refine((value) => values.includes(value), rule(code))
    .meta({ enum: [...values] });

/** The maximum of an id: its column has the type integer. */
export const maxId = 2_147_483_647;

/** An id. An integer that cannot be an id becomes 0, which no row has, so that the call results in 404. */
export const id = () =>
  z
    .number()
    .refine(Number.isInteger, rule("VALIDATION_ERROR", "must be an integer"))
    .overwrite((value) => (value >= 1 && value <= maxId ? value : 0))
    .meta({ type: "integer", examples: [1] });

/** The output of a procedure that returns nothing. */
export const nothing = z.void();
