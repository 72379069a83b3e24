// The contract's rules for single values, written from CONTRACT.md and rest-v1.yaml alone, to be compared with the product.

/** What a rule of the contract refuses. */
export class Refusal extends Error {
  readonly code: string;
  readonly field: string | undefined;

  constructor(code: string, field?: string) {
    super(code);
    this.code = code;
    this.field = field;
  }
}

/** What a value becomes; throws a Refusal that names the field. */
export type Rule = (value: unknown, field: string) => unknown;

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalid = (field?: string): Refusal => new Refusal("VALIDATION_ERROR", field);

const text = (value: unknown, field: string): string => {
  if (typeof value !== "string" || value.includes("\0") || /\p{Surrogate}/u.test(value))
    throw invalid(field);
  return value;
};

const lengthOf = (value: string): number => Array.from(value).length;

const trimmed =
  (longest: number, code: string): Rule =>
  (value, field) => {
    const name = text(value, field).trim();
    if (name === "" || lengthOf(name) > longest) throw new Refusal(code, field);
    return name;
  };

const oneOf =
  (values: readonly string[], code: string): Rule =>
  (value, field) => {
    const chosen = text(value, field);
    if (!values.includes(chosen)) throw new Refusal(code, field);
    return chosen;
  };

const orNull =
  (rule: Rule): Rule =>
  (value, field) =>
    value === null ? null : rule(value, field);

const dateTime =
  /^(?<date>\d{4}-\d\d-\d\d)T(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d)(?:\.(?<fraction>\d{1,3}))?)?(?<zone>Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$/;

const minutesOf = (zone: string): number => {
  const [hours = 0, minutes = 0] = zone === "Z" ? [] : zone.slice(1).split(":").map(Number);
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
};

/** The moment in UTC that a text names, in the contract's spelling. */
const utcOf = (value: string): string | undefined => {
  const { groups } = dateTime.exec(value) ?? {};
  if (groups === undefined) return undefined;
  const { date = "", hour, minute, second = "0", fraction = "0", zone = "Z" } = groups;
  const midnight = new Date(`${date}T00:00:00Z`);
  // A day that a month does not have is no date, or one of the next month.
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date))
    return undefined;
  const minutes = Number(hour) * 60 + Number(minute) - minutesOf(zone);
  const moment = new Date(
    midnight.getTime() + (minutes * 60 + Number(second)) * 1000 + Number(fraction.padEnd(3, "0")),
  );
  const year = moment.getUTCFullYear();
  return year >= 1 && year <= 9999 ? moment.toISOString() : undefined;
};

/** Whether a recurrence rule is good is another test's business; the operations choose among these. */
export const goodRules = [
  "FREQ=DAILY",
  "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
  "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3",
  "FREQ=YEARLY;UNTIL=20301231T235959Z",
] as const;

export const badRules = ["", "daily", "FREQ=", "FREQ=SOMETIMES", "FREQ=DAILY;COUNT=x"] as const;

const priority = oneOf(["low", "medium", "high"], "INVALID_PRIORITY");

/** In the order of rest-v1.yaml, which decides what is told where several are wrong. */
export const taskRules = {
  title: trimmed(200, "INVALID_TITLE"),
  description: orNull((value, field) => {
    if (lengthOf(text(value, field)) > 1000) throw new Refusal("DESCRIPTION_TOO_LONG", field);
    return value;
  }),
  completed: (value, field) => {
    if (typeof value !== "boolean") throw invalid(field);
    return value;
  },
  priority,
  due_date: orNull((value, field) => {
    const moment = utcOf(text(value, field));
    if (moment === undefined) throw new Refusal("INVALID_DUE_DATE", field);
    return moment;
  }),
  recurrence_rule: orNull(oneOf(goodRules, "INVALID_RECURRENCE_RULE")),
} satisfies Record<string, Rule>;

export const tagRules = {
  name: trimmed(50, "INVALID_TAG_NAME"),
  color: orNull((value, field) => {
    if (!/^#[0-9A-Fa-f]{6}$/.test(text(value, field))) throw new Refusal("INVALID_COLOR", field);
    return value;
  }),
} satisfies Record<string, Rule>;

/** @param isText whether a parameter is always a text, as in a query: what is no number is only a wrong page then */
const positive =
  (isText: boolean): Rule =>
  (value, field) => {
    if (!isText && typeof value !== "number") throw invalid(field);
    const number = /^\d+$/.test(String(value)) ? Number(value) : 0;
    if (number < 1) throw new Refusal("INVALID_PAGINATION", field);
    return number;
  };

const sorts = ["due_date", "priority", "created_at", "title"];

export const listRules = (isText: boolean) =>
  ({
    page: positive(isText),
    limit: (value, field) => Math.min(100, Number(positive(isText)(value, field))),
    q: text,
    status: oneOf(["all", "pending", "completed"], "INVALID_STATUS"),
    priority,
    tag: text,
    sort: oneOf([...sorts, ...sorts.map((name) => `-${name}`)], "INVALID_SORT_FIELD"),
  }) satisfies Record<string, Rule>;

/** An id that nobody can own is a good id, of nothing. */
export const id: Rule = (value, field) => {
  if (!Number.isInteger(value)) throw invalid(field);
  return value;
};

/**
 * The given fields after their rules; fields without a rule are ignored.
 * @throws {Refusal} for the first that breaks its rule, or that is required and absent
 */
export const read = (
  rules: Readonly<Record<string, Rule>>,
  input: unknown,
  required: readonly string[] = [],
): Fields => {
  if (!isFields(input)) throw invalid();
  const good: Fields = {};
  for (const [field, rule] of Object.entries(rules)) {
    if (Object.hasOwn(input, field)) good[field] = rule(input[field], field);
    else if (required.includes(field)) throw invalid(field);
  }
  return good;
};
