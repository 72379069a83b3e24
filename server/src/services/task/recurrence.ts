import { AppError } from "@taskwire/shared";
import { RRuleTemporal } from "rrule-temporal";

const part = /^[A-Z]+=[^=;\s]+$/i;

// What the parser lets pass and RFC 5545 §3.3.10 does not: no occurrence at all, and a 54th weekday of a year.
const excess =
  /(?:^|;)(?:COUNT=(?!0*[1-9]\d*(?:;|$))|BYDAY=(?:[^;]*,)?[+-]?(?:5[4-9]|[6-9]\d|\d{3,})[A-Z])/i;

/** A start of the same kind as UNTIL, as RFC 5545 §3.3.10 wants them: a date, a UTC time, or a local time. */
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

/** How many items a part lists; one that is there twice counts once, as to the parser. */
const itemsIn = (value: string | undefined): number =>
  new Set(value?.toUpperCase().split(",")).size;

// The parser drops what it does not understand; a rule is only good if every item of it comes back.
const isWhole = (rule: string, parsed: RRuleTemporal): boolean => {
  const understood = partsOf(/RRULE:(.*)/.exec(parsed.toString())?.[1] ?? "");
  return [...partsOf(rule)].every(
    ([name, value]) =>
      (name === "INTERVAL" && Number(value) === 1) ||
      itemsIn(understood.get(name)) === itemsIn(value),
  );
};

const isRule = (text: string): boolean => {
  const rule = text.replace(/^RRULE:/i, "");
  const parts = rule.split(";");
  if (!parts.every((each) => part.test(each)) || excess.test(rule)) return false;
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
 * Checks a recurrence rule (RFC 5545 §3.3.10), with or without "RRULE:" before it; it is stored as given.
 * @throws {AppError} INVALID_RECURRENCE_RULE
 */
export const assertRecurrenceRule = (text: string | null | undefined): void => {
  if (typeof text === "string" && !isRule(text)) {
    throw new AppError("INVALID_RECURRENCE_RULE", { field: "recurrence_rule" });
  }
};
