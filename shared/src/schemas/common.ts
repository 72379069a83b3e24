import { z } from "zod";
import type { ErrorCode } from "../errors.ts";

/**
 * The options of a refinement that carries a code of the error table: `schema.refine(test, rule(code))`.
 * @param code what a caller is told when the rule is broken
 * @param error the sentence after the field's name; only VALIDATION_ERROR needs one
 */
export const rule = (code: ErrorCode, error = "is not valid") => ({
  params: { code },
  error,
  abort: true,
});

/** Unicode code points, as the contract and PostgreSQL count them; `string.length` counts UTF-16 units. */
export const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

/** Text that PostgreSQL stores as it was sent: well-formed Unicode without U+0000, else VALIDATION_ERROR. */
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

// A name of nothing but spaces, controls and invisible marks shows as no name at all.
const isVisible = (value: string): boolean =>
  /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]/u.test(value);

/**
 * A name that people see: trimmed, then 1 to `longest` code points with something visible in it.
 * @param code what a caller is told otherwise
 */
export const name = (longest: number, code: ErrorCode) =>
  text()
    .trim()
    .refine((value) => isVisible(value) && codePoints(value) <= longest, rule(code))
    .meta({ minLength: 1, maxLength: longest });

const zoned = { offset: true, local: true };
// Zod wants seconds wherever there is an offset; ISO 8601 does not.
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
 * An ISO 8601 date-time of the years 1 to 9999, which becomes its UTC spelling.
 * @param code what a caller is told otherwise
 * @param error the sentence after the field's name; only VALIDATION_ERROR needs one
 */
export const dateTime = (code: ErrorCode, error?: string) =>
  text()
    .refine((value) => toUtc(value) !== undefined, rule(code, error))
    .overwrite((value) => toUtc(value) ?? value)
    .meta({ format: "date-time" });

/**
 * One of the given texts.
 * @param code what a caller is told of another text; of another type, VALIDATION_ERROR
 */
export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  code: ErrorCode,
): z.ZodType<Values[number], Values[number]> =>
  text()
    .refine((value) => values.includes(value), rule(code))
    .meta({ enum: [...values] });

/** The largest id that a column of type integer holds. */
const maxId = 2_147_483_647;

/** An id that nobody can own becomes 0, which nobody owns: it is then as absent as one that never was. */
export const id = () =>
  z
    .number()
    .refine(Number.isInteger, rule("VALIDATION_ERROR", "must be an integer"))
    .overwrite((value) => (value >= 1 && value <= maxId ? value : 0))
    .meta({ type: "integer" });

/** The output of what answers nothing. */
export const nothing = z.void();
