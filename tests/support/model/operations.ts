import fc from "fast-check";
import type { Model } from "./model.ts";
import type { Belongings } from "./things.ts";
import { badRules, type Fields, goodRules, isFields } from "./rules.ts";

/** Stands for an id that is known only when the operation runs: one that the caller owns, or one that anybody ever had. */
export interface Reference {
  to: "task" | "tag";
  whose: "own" | "any";
  index: number;
}

/** One random call, as data, so that a failing sequence can be shrunk and repeated. */
export interface Operation {
  /** Which user calls; the one after the last is nobody. */
  by: number;
  isRest: boolean;
  procedure: string;
  input: unknown;
}

const reference = (to: Reference["to"]): fc.Arbitrary<Reference> =>
  fc.record({
    to: fc.constant(to),
    whose: fc.constantFrom<Reference["whose"][]>("own", "own", "own", "any"),
    index: fc.nat(1000),
  });

const isReference = (value: unknown): value is Reference => isFields(value) && "whose" in value;

/** Mostly good values, and the bad now and then: a call has many fields, and one bad one is enough to end it. */
const mostly = (good: fc.Arbitrary<unknown>, bad: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 40, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom(...bad) });

const wrongTypes = [5, true, ["a"], { a: 1 }];
const unstorable = ["a\0b", "\uD800", "\uDC00a"];

// Few letters, so that many titles are equal, or alike but for their case.
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

const title = mostly(
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

const orNull = (values: fc.Arbitrary<unknown>) => fc.option(values, { nil: null, freq: 4 });

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

const badDates = [
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
  description: mostly(orNull(fc.oneof(words, fc.constantFrom("", " ", "🎉".repeat(1000)))), [
    "x".repeat(1001),
    ...wrongTypes,
    ...unstorable,
  ]),
  completed: mostly(fc.boolean(), [null, 0, "true"]),
  priority: mostly(fc.constantFrom("low", "medium", "high"), ["", "HIGH", "urgent", null, 1]),
  due_date: mostly(orNull(dueDate), [...badDates, ...wrongTypes, ...unstorable]),
  recurrence_rule: mostly(orNull(fc.constantFrom(...goodRules)), [...badRules, ...wrongTypes]),
  // Not the caller's to set.
  user_id: fc.constant("00000000-0000-4000-8000-000000000000"),
};

// Fewer still, so that names are taken, and digits, so that a name looks like an id.
const names = fc.constantFrom("a", "A", "tea", "é", "🎉", "1", "2", "7", "12");

const name = mostly(
  fc.oneof({ weight: 9, arbitrary: names }, fc.constantFrom(" é ", "🎉".repeat(50))),
  ["", " ", "x".repeat(51), null, ...wrongTypes, ...unstorable],
);

const tagFields = {
  name,
  color: mostly(orNull(fc.constantFrom("#FF5733", "#abcdef")), ["", "red", "#fff", ...wrongTypes]),
};

const missing = [0, -1, 2_147_483_647, 2_147_483_648, 1e20];
const noIds = ["abc", "1e2", "0x10", 1.5];
const idOf = (to: Reference["to"]) => mostly(reference(to), [...missing, ...noIds]);

const span = {
  limit: mostly(fc.constantFrom(1, 2, 3, 5, 100, 101, 1000), [0, -1, 1.5, "ten"]),
  // Over tRPC: to go on from where the caller's last list ended.
  cursor: fc.constant(true),
};

const filters = {
  page: mostly(fc.integer({ min: 1, max: 4 }), [0, -1, 1.5, "abc", 1e20]),
  q: mostly(fc.oneof(words, fc.constantFrom("", "T", "e", "X", "zzz")), ["a\0"]),
  status: mostly(fc.constantFrom("all", "pending", "completed"), ["", "ALL", "done", 5]),
  priority: mostly(fc.constantFrom("low", "medium", "high"), ["", "urgent"]),
  tag: fc.oneof(
    { weight: 4, arbitrary: reference("tag") },
    { weight: 4, arbitrary: names },
    { weight: 1, arbitrary: fc.constantFrom("", "0", "99999999999", "none such") },
  ),
  sort: mostly(
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
 * Each field or none of it; what is required is left out only now and then.
 * @param absent how often another is left out, for each time that it is there
 */
const some = (
  fields: Record<string, fc.Arbitrary<unknown>>,
  needed: readonly string[] = [],
  absent = 1,
) =>
  fc
    .tuple(
      ...Object.entries(fields).map(([field, values]) =>
        fc.oneof(
          { weight: 40, arbitrary: values.map((value): [string, unknown][] => [[field, value]]) },
          { weight: needed.includes(field) ? 1 : 40 * absent, arbitrary: fc.constant([]) },
        ),
      ),
    )
    .map((entries) => Object.fromEntries(entries.flat()));

const body = (
  fields: Record<string, fc.Arbitrary<unknown>>,
  ids: Record<string, fc.Arbitrary<unknown>>,
  needed: readonly string[] = [],
) =>
  mostly(
    fc
      .tuple(some(fields, needed), fc.record(ids))
      .map(([given, named]) => Object.assign({}, given, named)),
    [null, [], "text", 5],
  );

const [task_id, tag_id] = [idOf("task"), idOf("tag")];

/** Each procedure's inputs, and how often it is called. */
const calls: Record<string, { weight: number; input: fc.Arbitrary<unknown> }> = {
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
    input: fc.tuple(some(span), some(filters, [], 4)).map(([a, b]) => Object.assign({}, a, b)),
  },
  "tag.create": { weight: 8, input: body(tagFields, {}, ["name"]) },
  "tag.list": { weight: 3, input: fc.constant(undefined) },
  "tag.update": { weight: 5, input: body(tagFields, { tag_id }, ["name"]) },
  "tag.delete": { weight: 2, input: fc.record({ tag_id }) },
};

/** The procedures that the operations call. */
export const calledProcedures = Object.keys(calls);

const idFor = ({ to, whose, index }: Reference, model: Model, own: Belongings): number => {
  const owned = [...(to === "task" ? own.tasks : own.tags).keys()];
  const ids = whose === "own" && owned.length > 0 ? owned : model.ids[to];
  return ids[index % ids.length] ?? 1;
};

/** An operation's input with the ids and the cursor that it stands for. */
export const inputOf = ({ input, isRest }: Operation, model: Model, own: Belongings): unknown => {
  if (!isFields(input)) return input;
  const { cursor, ...fields } = input;
  const filled: Fields = {};
  for (const [field, value] of Object.entries(fields)) {
    const id = isReference(value) ? idFor(value, model, own) : undefined;
    filled[field] = id === undefined ? value : field === "tag" ? String(id) : id;
  }
  if (cursor === undefined || isRest || own.bookmark === undefined) return filled;
  const { sort: _, ...unsorted } = filled;
  const { bookmark } = own;
  const sort = bookmark.sort === undefined ? {} : { sort: bookmark.sort };
  return { ...unsorted, ...sort, cursor: bookmark.cursor };
};

/** @param people how many users there are */
export const operation = (people: number): fc.Arbitrary<Operation> => {
  const users = Array.from({ length: people }, (_, by) => ({
    weight: 10,
    arbitrary: fc.constant(by),
  }));
  const by = fc.oneof(...users, { weight: 1, arbitrary: fc.constant(people) });
  return fc.oneof(
    ...Object.entries(calls).map(([procedure, { weight, input }]) => ({
      weight,
      arbitrary: fc.record({ by, isRest: fc.boolean(), procedure: fc.constant(procedure), input }),
    })),
  );
};
