import { AppError } from "@taskwire/shared";
import { RRuleTemporal } from "rrule-temporal";

const part = /^[A-Z]+=[^=;\s]+$/i;

// The parser accepts these, but RFC 5545 §3.3.10 does not: a COUNT of 0, and a weekday number over 53.
const outOfRange =
  /(?:^|;)(?:COUNT=(?!0*[1-9]\d*(?:;|$))|BYDAY=(?:[^;]*,)?[+-]?(?:5[4-9]|[6-9]\d|\d{3,})[A-Z])/i;

/** Returns a start of the same type as UNTIL, as RFC 5545 §3.3.10 requires: a date, a UTC time, or a local time. */
const startFor = (rule: string): string => {
  const until = /(?:^|;)UNTIL=([^;]*)/i.exec(rule)?.[1];
  if (until !== undefined && /^\d{8}$/.test(until)) return "DTSTART;VALUE=DATE:20000101";
  return until === undefined || /z$/i.test(until)
    ? "DTSTART:20000101T000000Z"
    : "DTSTART:20000101T000000";
};

const partsOf = (rule: string): Map<string, string> =>
  new Map(
    rule.split(";").map((text) => {
      const [name = "", value = ""] = text.split("=");
      return [name.toUpperCase(), value];
    }),
  );

/** Returns how many different items a part lists. The parser drops duplicates, too. */
const itemsIn = (value: string | undefined): number =>
  new Set(value?.toUpperCase().split(",")).size;

// The parser drops what it does not know, so a rule is valid only if the parsed rule has all of its items.
const isWhole = (rule: string, parsed: RRuleTemporal): boolean => {
  const known = partsOf(/RRULE:(.*)/.exec(parsed.toString())?.[1] ?? "");
  return [...partsOf(rule)].every(
    ([name, value]) =>
      (name === "INTERVAL" && Number(value) === 1) || itemsIn(known.get(name)) === itemsIn(value),
  );
};

const isValid = (input: string): boolean => {
  const rule = input.replace(/^RRULE:/i, "");
  const parts = rule.split(";");
  if (!parts.every((text) => part.test(text)) || outOfRange.test(rule)) return false;
  if (partsOf(rule).size !== parts.length) return false;
  try {
    return isWhole(
      rule,
      new RRuleTemporal({ rruleString: `${startFor(rule)}\nRRULE:${rule}`, strict: true }),
    );
  } catch {
    return false;
  }
};

/**
 * Rejects an invalid recurrence rule (RFC 5545 §3.3.10). The prefix "RRULE:" is optional. A valid rule is stored unchanged.
 * @throws {AppError} INVALID_RECURRENCE_RULE
 */
export const assertRecurrenceRule = (text: string | null | undefined): void => {
  if (typeof text === "string" && !isValid(text)) {
    throw new AppError("INVALID_RECURRENCE_RULE", { field: "recurrence_rule" });
  }
};
