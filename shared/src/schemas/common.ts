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
