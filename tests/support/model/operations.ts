import fc from "fast-check";
import type { Model } from "./model.ts";
import type { UserData } from "./entities.ts";
import {
  type Fields,
  invalidRecurrenceRules,
  isFields,
  validRecurrenceRules,
} from "./validation.ts";

/**
 * Placeholder for an id that is known only at run time: of a row that the caller owns, or of any
 * row ever created.
 */
export interface Reference {
  to: "task" | "tag";
  owner: "caller" | "any";
  index: number;
}

/** One generated call, as data, so that a failing sequence can be shrunk and repeated. */
export interface Operation {
  /** Index of the calling user; the index after the last user calls without a token. */
  userIndex: number;
  isRest: boolean;
  procedure: string;
  input: unknown;
}

const reference = (to: Reference["to"]): fc.Arbitrary<Reference> =>
  fc.record({
    to: fc.constant(to),
    owner: fc.constantFrom<Reference["owner"][]>("caller", "caller", "caller", "any"),
    index: fc.nat(1000),
  });

const isReference = (value: unknown): value is Reference => isFields(value) && "owner" in value;

/**
 * Generates a valid value 40 times out of 41: a call has many fields, and one invalid field rejects
 * the call.
 */
const mostlyValid = (
  valid: fc.Arbitrary<unknown>,
  invalid: readonly unknown[],
): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 40, arbitrary: valid }, { weight: 1, arbitrary: fc.constantFrom(...invalid) });

const wrongTypes = [5, true, ["a"], { a: 1 }];
const unstorable = ["a\0b", "\uD800", "\uDC00a"];

// A small alphabet, so that many titles are equal, or differ only in case.
const words = fc
  .array(
    fc.constantFrom(
      "a",
      "A",
      "b",
      "tea",
      "Tea",
      "é",
      "É",
      "Ж",
      "Σ",
      "ς",
      "%",
      "_",
      "\\",
      "🎉",
      "7",
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(" "));

const title = mostlyValid(
  fc.oneof({ weight: 9, arbitrary: words }, fc.constantFrom("  x\t", "🎉".repeat(200), "\u3000é ")),
  [
    "",
    " \n ",
    "\u00A0\u3000",
    "x".repeat(201),
    "🎉".repeat(201),
    null,
    ...wrongTypes,
    ...unstorable,
  ],
);

const nullable = (values: fc.Arbitrary<unknown>) => fc.option(values, { nil: null, freq: 4 });

const dueDate = fc
  .tuple(
    fc.constantFrom(
      "2030-01-01",
      "2030-01-02",
      "2024-02-29",
      "1999-12-31",
      "0001-01-02",
      "9999-12-30",
    ),
    fc.constantFrom("T00:00", "T10:30:00", "T23:59:59", "T12:00:00.5", "T12:00:00.123"),
    fc.constantFrom("", "Z", "+05:30", "-08:00", "+14:00", "-23:59"),
  )
  .map((parts) => parts.join(""));

const invalidDates = [
  "",
  "tomorrow",
  "2030-01-01",
  "2030-02-30T00:00:00Z",
  "2030-01-01T24:00:00Z",
  "2030-01-01T00:00:00+24:00",
  "0001-01-01T00:00:00+00:01",
  "9999-12-31T23:59:59-12:00",
  "+275760-09-13T00:00:00Z",
];

const taskFields = {
  title,
  description: mostlyValid(nullable(fc.oneof(words, fc.constantFrom("", " ", "🎉".repeat(1000)))), [
    "x".repeat(1001),
    ...wrongTypes,
    ...unstorable,
  ]),
  completed: mostlyValid(fc.boolean(), [null, 0, "true"]),
  priority: mostlyValid(fc.constantFrom("low", "medium", "high"), ["", "HIGH", "urgent", null, 1]),
  due_date: mostlyValid(nullable(dueDate), [...invalidDates, ...wrongTypes, ...unstorable]),
  recurrence_rule: mostlyValid(nullable(fc.constantFrom(...validRecurrenceRules)), [
    ...invalidRecurrenceRules,
    "x".repeat(1001),
    ...wrongTypes,
  ]),
  // The server must ignore it.
  user_id: fc.constant("00000000-0000-4000-8000-000000000000"),
};

// Even fewer, so that names collide; some are digits, so that a name looks like an id.
const names = fc.constantFrom("a", "A", "tea", "é", "🎉", "1", "2", "7", "12");

const name = mostlyValid(
  fc.oneof({ weight: 9, arbitrary: names }, fc.constantFrom(" é ", "🎉".repeat(50))),
  ["", " ", "x".repeat(51), null, ...wrongTypes, ...unstorable],
);

const tagFields = {
  name,
  color: mostlyValid(nullable(fc.constantFrom("#FF5733", "#abcdef")), [
    "",
    "red",
    "#fff",
    ...wrongTypes,
  ]),
};

// The largest id is a literal, as the model must not depend on the server's definitions.
const unusedIds = [0, -1, 2_147_483_647, 2_147_483_648, 1e20];
const malformedIds = ["abc", "1e2", "0x10", 1.5];
const idOf = (to: Reference["to"]) => mostlyValid(reference(to), [...unusedIds, ...malformedIds]);

const paging = {
  limit: mostlyValid(fc.constantFrom(1, 2, 3, 5, 100, 101, 1000), [0, -1, 1.5, "ten"]),
  // Over tRPC: inputOf replaces it with the cursor of the caller's last page.
  cursor: fc.constant(true),
};

const filters = {
  page: mostlyValid(fc.integer({ min: 1, max: 4 }), [0, -1, 1.5, "abc", 1e20]),
  q: mostlyValid(fc.oneof(words, fc.constantFrom("", "T", "e", "X", "zzz")), ["a\0"]),
  status: mostlyValid(fc.constantFrom("all", "pending", "completed"), ["", "ALL", "done", 5]),
  priority: mostlyValid(fc.constantFrom("low", "medium", "high"), ["", "urgent"]),
  tag: fc.oneof(
    { weight: 4, arbitrary: reference("tag") },
    { weight: 4, arbitrary: names },
    { weight: 1, arbitrary: fc.constantFrom("", "0", "99999999999", "none such") },
  ),
  sort: mostlyValid(
    fc
      .tuple(
        fc.constantFrom("", "-"),
        fc.constantFrom("due_date", "priority", "created_at", "title"),
      )
      .map((parts) => parts.join("")),
    ["", "id", "--title", "TITLE", "constructor"],
  ),
};

/**
 * Generates an object with some of the fields; a required field is absent once in 41 times.
 * @param absentRatio how often another field is absent, for each time that it is present
 */
const optional = (
  fields: Record<string, fc.Arbitrary<unknown>>,
  required: readonly string[] = [],
  absentRatio = 1,
) =>
  fc
    .tuple(
      ...Object.entries(fields).map(([field, values]) =>
        fc.oneof(
          { weight: 40, arbitrary: values.map((value): [string, unknown][] => [[field, value]]) },
          { weight: required.includes(field) ? 1 : 40 * absentRatio, arbitrary: fc.constant([]) },
        ),
      ),
    )
    .map((entries) => Object.fromEntries(entries.flat()));

const body = (
  fields: Record<string, fc.Arbitrary<unknown>>,
  ids: Record<string, fc.Arbitrary<unknown>>,
  required: readonly string[] = [],
) =>
  mostlyValid(
    fc
      .tuple(optional(fields, required), fc.record(ids))
      .map(([members, idMembers]) => Object.assign({}, members, idMembers)),
    [null, [], "text", 5],
  );

const [task_id, tag_id] = [idOf("task"), idOf("tag")];

/** The input generator of each procedure, and its relative frequency. */
const procedures: Record<string, { weight: number; input: fc.Arbitrary<unknown> }> = {
  "task.create": { weight: 20, input: body(taskFields, {}, ["title"]) },
  "task.get": { weight: 6, input: fc.record({ task_id }) },
  "task.update": {
    weight: 7,
    input: body(taskFields, { task_id }, ["title", "completed", "priority"]),
  },
  "task.patch": { weight: 12, input: body(taskFields, { task_id }) },
  "task.delete": { weight: 4, input: fc.record({ task_id }) },
  "task.addTag": { weight: 14, input: fc.record({ task_id, tag_id }) },
  "task.removeTag": { weight: 5, input: fc.record({ task_id, tag_id }) },
  "task.list": {
    weight: 24,
    input: fc
      .tuple(optional(paging), optional(filters, [], 4))
      .map(([a, b]) => Object.assign({}, a, b)),
  },
  "tag.create": { weight: 8, input: body(tagFields, {}, ["name"]) },
  "tag.list": { weight: 3, input: fc.constant(undefined) },
  "tag.update": { weight: 5, input: body(tagFields, { tag_id }, ["name"]) },
  "tag.delete": { weight: 2, input: fc.record({ tag_id }) },
};

/** The procedures that generated operations call. */
export const calledProcedures = Object.keys(procedures);

const resolveId = ({ to, owner, index }: Reference, model: Model, user: UserData): number => {
  const owned = [...(to === "task" ? user.tasks : user.tags).keys()];
  const ids = owner === "caller" && owned.length > 0 ? owned : model.ids[to];
  return ids[index % ids.length] ?? 1;
};

/** Returns an operation's input with its placeholders replaced by ids and a cursor. */
export const inputOf = ({ input, isRest }: Operation, model: Model, user: UserData): unknown => {
  if (!isFields(input)) return input;
  const { cursor, ...fields } = input;
  const resolved: Fields = {};
  for (const [field, value] of Object.entries(fields)) {
    const id = isReference(value) ? resolveId(value, model, user) : undefined;
    resolved[field] = id === undefined ? value : field === "tag" ? String(id) : id;
  }
  const { pageEnd } = user;
  if (cursor === undefined || isRest || pageEnd === undefined) return resolved;
  // A cursor is valid only with the sort of its list.
  const { sort: _, ...unsorted } = resolved;
  const sort = pageEnd.sort === undefined ? {} : { sort: pageEnd.sort };
  return { ...unsorted, ...sort, cursor: pageEnd.cursor };
};

/**
 * Returns a generator of operations.
 * @param userCount number of users; calls without a token come in addition
 */
export const operation = (userCount: number): fc.Arbitrary<Operation> => {
  const users = Array.from({ length: userCount }, (_, index) => ({
    weight: 10,
    arbitrary: fc.constant(index),
  }));
  const userIndex = fc.oneof(...users, { weight: 1, arbitrary: fc.constant(userCount) });
  return fc.oneof(
    ...Object.entries(procedures).map(([procedure, { weight, input }]) => ({
      weight,
      arbitrary: fc.record({
        userIndex,
        isRest: fc.boolean(),
        procedure: fc.constant(procedure),
        input,
      }),
    })),
  );
};
