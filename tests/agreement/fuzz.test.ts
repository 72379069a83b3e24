import fc from "fast-check";
import { type Operation, operationsOf } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultsOf, isTaken } from "../support/fuzz/agreement.ts";
import { domainTexts, textsFor } from "../support/fuzz/domains.ts";
import { type Field, fieldsOf, goodInput, goodValue, isSayable } from "../support/fuzz/fields.ts";
import { changeUser, renew, type Target, startTargets } from "../support/fuzz/targets.ts";
import { nonTexts, oddTexts, texts } from "../support/fuzz/values.ts";
import { repeated, times } from "../support/setup/property.ts";

/** Generated inputs for each operation. */
const runs = times("FUZZ_RUNS", 15);
const isThorough = runs >= 1000;

let targets: Target[];
beforeAll(async () => {
  targets = await startTargets();
});
afterAll(() => Promise.all(targets.map(({ server }) => server.close())));

let serial = 0;

/** A field that takes any text is tried with all; another has its own, and all that look like something else. */
const curated = (field: Field): unknown[] => {
  const { shape, place } = field;
  const own = textsFor(shape);
  const isFree = place === "path" || (String(shape.type).includes("string") && own.length === 0);
  return [...nonTexts, ...(isFree ? texts : oddTexts), ...own].filter((value) =>
    isSayable(field, value),
  );
};

const met = new Set<string>();

/** All of them where time does not matter; else a share of its own for each field, less where another has the very same. */
const chosen = (field: Field, turn: number): unknown[] => {
  if (isThorough) return curated(field);
  const name = JSON.stringify(field);
  const share = met.has(name) ? 12 : 3;
  met.add(name);
  return curated(field).filter((_, i) => (i + turn) % share === 0);
};

const anything = (field: Field): fc.Arbitrary<unknown> => {
  const good = fc.nat(1_000_000).map((number) => goodValue(field, number));
  const known = [...nonTexts, ...texts, ...domainTexts].filter((value) => isSayable(field, value));
  const text = fc.string({ unit: "binary", maxLength: 100 });
  return fc
    .oneof(
      { weight: 4, arbitrary: good },
      { weight: 2, arbitrary: fc.constantFrom(...known) },
      { weight: 1, arbitrary: text },
      { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 220 }) },
      { weight: 1, arbitrary: fc.jsonValue() },
      { weight: 1, arbitrary: fc.double({ noNaN: true }) },
      { weight: 1, arbitrary: fc.integer() },
      // A good text with something put into it.
      {
        weight: 2,
        arbitrary: fc
          .tuple(good, fc.nat(30), fc.string({ maxLength: 3 }))
          .map(([value, at, more]) =>
            typeof value === "string" ? value.slice(0, at) + more + value.slice(at + 1) : value,
          ),
      },
    )
    .map((value) => (isSayable(field, value) ? value : goodValue(field, 0)));
};

// A spread, as Object.assign would make of __proto__ no key, but a prototype.
const both = (more: object, given: object): Record<string, unknown> => ({ ...more, ...given });

const inputs = (fields: readonly Field[]): fc.Arbitrary<Record<string, unknown>> => {
  const paths = fields.filter(({ place }) => place === "path").map(({ name }) => name);
  const known = Object.fromEntries(fields.map((field) => [field.name, anything(field)]));
  const extra = fc.dictionary(
    fc.constantFrom("id", "user_id", "__proto__", "constructor", "x"),
    fc.jsonValue(),
    { maxKeys: 2 },
  );
  const hasBody = fields.some(({ place }) => place === "json");
  return fc
    .tuple(
      fc.record(known, { requiredKeys: paths }),
      fc.option(hasBody ? extra : fc.constant({}), { nil: {}, freq: 4 }),
    )
    .map(([given, more]) => both(more, given));
};

const operations = operationsOf(appRouter).map((operation) => [operation.name, operation] as const);

describe.each(operations)("%s", (_, operation: Operation) => {
  const fields = fieldsOf(operation);
  const trials = fields.map((field, turn) => [field.name, chosen(field, turn)] as const);
  beforeAll(() => changeUser(targets, `${operation.name}@example.com`));

  test("agrees on good input, which is taken", async () => {
    for (let i = 0; i < 5; i++)
      expect(await faultsOf(targets, operation, goodInput(fields, serial++))).toEqual([]);
    const taken = targets.map((target) => isTaken(target, operation, goodInput(fields, serial)));
    expect(await Promise.all(taken)).toEqual(targets.map(() => true));
    if (operation.rest.method === "DELETE") await Promise.all(targets.map(renew));
  });

  test.each(trials)("agrees on every curated %s", async (name, values) => {
    const faults: string[] = [];
    for (const value of values) {
      const input = { ...goodInput(fields, serial++), [name]: value };
      faults.push(...(await faultsOf(targets, operation, input)));
    }
    expect(faults).toEqual([]);
  });

  test(
    "agrees on generated input",
    async () => {
      await fc.assert(
        fc.asyncProperty(inputs(fields), async (input) => {
          expect(await faultsOf(targets, operation, input)).toEqual([]);
        }),
        { ...repeated, numRuns: runs, interruptAfterTimeLimit: 20_000 + 100 * runs },
      );
    },
    30_000 + 100 * runs,
  );
});

test("there are 200 curated values and more for an operation with input", () => {
  const counts = operations
    .map(([, operation]) => fieldsOf(operation))
    .filter((fields) => fields.length > 0)
    .map((fields) => new Set(fields.flatMap((field) => curated(field))).size);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(200);
});
