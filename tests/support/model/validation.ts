// The contract's validation rules, written from CONTRACT.md and rest-v1.yaml. Nothing is imported
// from @taskwire/shared, neither limits nor priorities: with the server's own definitions the model
// would compare the server with itself.

/** An error response that the contract requires. */
export class ExpectedError extends Error {
  readonly code: string;
  readonly field: string | undefined;

  constructor(code: string, field?: string) {
    super(code);
    this.code = code;
    this.field = field;
  }
}

/** Returns the normalized value; throws an ExpectedError that names the field. */
export type Validator = (value: unknown, field: string) => unknown;

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalid = (field?: string): ExpectedError => new ExpectedError("VALIDATION_ERROR", field);

const text = (value: unknown, field: string): string => {
  if (typeof value !== "string" || value.includes("\0") || /\p{Surrogate}/u.test(value))
    throw invalid(field);
  return value;
};

const lengthOf = (value: string): number => Array.from(value).length;

const textUpTo =
  (maxLength: number): Validator =>
  (value, field) => {
    if (lengthOf(text(value, field)) > maxLength) throw invalid(field);
    return value;
  };

const trimmedText =
  (maxLength: number, code: string): Validator =>
  (value, field) => {
    const trimmed = text(value, field).trim();
    if (trimmed === "" || lengthOf(trimmed) > maxLength) throw new ExpectedError(code, field);
    return trimmed;
  };

const oneOf =
  (values: readonly string[], code: string): Validator =>
  (value, field) => {
    const choice = text(value, field);
    if (!values.includes(choice)) throw new ExpectedError(code, field);
    return choice;
  };

const nullable =
  (validator: Validator): Validator =>
  (value, field) =>
    value === null ? null : validator(value, field);

const dateTime =
  /^(?<date>\d{4}-\d\d-\d\d)T(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d)(?:\.(?<fraction>\d{1,3}))?)?(?<zone>Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$/;

const minutesOf = (zone: string): number => {
  const [hours = 0, minutes = 0] = zone === "Z" ? [] : zone.slice(1).split(":").map(Number);
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
};

/**
 * Returns an ISO 8601 date-time in UTC, as the contract returns it; undefined if the text is
 * invalid or out of range.
 */
const utcOf = (value: string): string | undefined => {
  const { groups } = dateTime.exec(value) ?? {};
  if (groups === undefined) return undefined;
  const { date = "", hour, minute, second = "0", fraction = "0", zone = "Z" } = groups;
  const midnight = new Date(`${date}T00:00:00Z`);
  // JavaScript moves February 30 into March, or returns an invalid date.
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date))
    return undefined;
  const minutes = Number(hour) * 60 + Number(minute) - minutesOf(zone);
  const moment = new Date(
    midnight.getTime() + (minutes * 60 + Number(second)) * 1000 + Number(fraction.padEnd(3, "0")),
  );
  const year = moment.getUTCFullYear();
  return year >= 1 && year <= 9999 ? moment.toISOString() : undefined;
};

/** Other tests cover which rules are valid; the generated operations use only these two lists. */
export const validRecurrenceRules = [
  "FREQ=DAILY",
  "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
  "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3",
  "FREQ=YEARLY;UNTIL=20301231T235959Z",
] as const;

export const invalidRecurrenceRules = [
  "",
  "daily",
  "FREQ=",
  "FREQ=SOMETIMES",
  "FREQ=DAILY;COUNT=x",
] as const;

const priority = oneOf(["low", "medium", "high"], "INVALID_PRIORITY");

/** In the order of rest-v1.yaml: with several invalid fields, the response names the first. */
export const taskValidators = {
  title: trimmedText(200, "INVALID_TITLE"),
  description: nullable((value, field) => {
    if (lengthOf(text(value, field)) > 1000) throw new ExpectedError("DESCRIPTION_TOO_LONG", field);
    return value;
  }),
  completed: (value, field) => {
    if (typeof value !== "boolean") throw invalid(field);
    return value;
  },
  priority,
  due_date: nullable((value, field) => {
    const moment = utcOf(text(value, field));
    if (moment === undefined) throw new ExpectedError("INVALID_DUE_DATE", field);
    return moment;
  }),
  recurrence_rule: nullable((value, field) =>
    oneOf(validRecurrenceRules, "INVALID_RECURRENCE_RULE")(textUpTo(1000)(value, field), field),
  ),
} satisfies Record<string, Validator>;

export const tagValidators = {
  name: trimmedText(50, "INVALID_TAG_NAME"),
  color: nullable((value, field) => {
    if (!/^#[0-9A-Fa-f]{6}$/.test(text(value, field)))
      throw new ExpectedError("INVALID_COLOR", field);
    return value;
  }),
} satisfies Record<string, Validator>;

/**
 * @param isQueryText whether every value is text, as in a REST query: then text that is not a
 * number is INVALID_PAGINATION
 */
const positiveInteger =
  (isQueryText: boolean): Validator =>
  (value, field) => {
    if (!isQueryText && typeof value !== "number") throw invalid(field);
    const number = /^\d+$/.test(String(value)) ? Number(value) : 0;
    if (number < 1) throw new ExpectedError("INVALID_PAGINATION", field);
    return number;
  };

const sorts = ["due_date", "priority", "created_at", "title"];

export const listValidators = (isQueryText: boolean) =>
  ({
    page: positiveInteger(isQueryText),
    limit: (value, field) => Math.min(100, Number(positiveInteger(isQueryText)(value, field))),
    q: textUpTo(100),
    status: oneOf(["all", "pending", "completed"], "INVALID_STATUS"),
    priority,
    tag: text,
    sort: oneOf([...sorts, ...sorts.map((name) => `-${name}`)], "INVALID_SORT_FIELD"),
  }) satisfies Record<string, Validator>;

/** Any integer is a valid id, also one that no row can have: the response is a 404, not a 422. */
export const id: Validator = (value, field) => {
  if (!Number.isInteger(value)) throw invalid(field);
  return value;
};

/**
 * Returns the validated fields of an input, normalized; ignores fields without a validator.
 * @throws {ExpectedError} for the first field that is invalid, or required and absent
 */
export const validate = (
  validators: Readonly<Record<string, Validator>>,
  input: unknown,
  required: readonly string[] = [],
): Fields => {
  if (!isFields(input)) throw invalid();
  const validated: Fields = {};
  for (const [field, validator] of Object.entries(validators)) {
    if (Object.hasOwn(input, field)) validated[field] = validator(input[field], field);
    else if (required.includes(field)) throw invalid(field);
  }
  return validated;
};
