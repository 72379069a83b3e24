import fc from "fast-check";
import { type Operation, operationsOf } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edgeTexts, nonStrings, typeLikeTexts } from "../support/fuzz/edge-cases.ts";
import {
  type Field,
  fieldsOf,
  isRepresentable,
  validInput,
  validValue,
} from "../support/fuzz/fields.ts";
import { formatTexts, formatTextsFor } from "../support/fuzz/format-texts.ts";
import { renewFixture, signInNewUser, startTargets, type Target } from "../support/fuzz/targets.ts";
import { acceptsInput, findViolations } from "../support/fuzz/violations.ts";
import { repeated, timeLimit, times } from "../support/setup/property.ts";

/** The number of generated inputs for each operation. */
const runs = times("FUZZ_RUNS", 15);
/** One of how many edge cases is tried, unless the run is thorough. */
const stride = times("FUZZ_STRIDE", 3);
const isThorough = runs >= 1000;

let targets: Target[];
beforeAll(async () => {
  targets = await startTargets();
});
afterAll(() => Promise.all(targets.map(({ server }) => server.close())));

let serial = 0;

/**
 * Every edge case for a field: all texts for a free-text field, the format's texts and those like
 * other types for another.
 */
const edgeCasesFor = (field: Field): unknown[] => {
  const { schema, location } = field;
  const ofFormat = formatTextsFor(schema);
  const isFreeText =
    location === "path" || (String(schema.type).includes("string") && ofFormat.length === 0);
  return [...nonStrings, ...(isFreeText ? edgeTexts : typeLikeTexts), ...ofFormat].filter((value) =>
    isRepresentable(field, value),
  );
};

const sampledFields = new Set<string>();

/** Every edge case in a thorough run; otherwise a part, and a quarter of it if an equal field of another operation was sampled. */
const sampleEdgeCases = (field: Field, offset: number): unknown[] => {
  if (isThorough) return edgeCasesFor(field);
  const key = JSON.stringify(field);
  const ownStride = sampledFields.has(key) ? 4 * stride : stride;
  sampledFields.add(key);
  return edgeCasesFor(field).filter((_, i) => (i + offset) % ownStride === 0);
};

const anyValue = (field: Field): fc.Arbitrary<unknown> => {
  const valid = fc.nat(1_000_000).map((number) => validValue(field, number));
  const edgeCases = [...nonStrings, ...edgeTexts, ...formatTexts].filter((value) =>
    isRepresentable(field, value),
  );
  const text = fc.string({ unit: "binary", maxLength: 100 });
  return fc
    .oneof(
      { weight: 4, arbitrary: valid },
      { weight: 2, arbitrary: fc.constantFrom(...edgeCases) },
      { weight: 1, arbitrary: text },
      { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 220 }) },
      { weight: 1, arbitrary: fc.jsonValue() },
      { weight: 1, arbitrary: fc.double({ noNaN: true }) },
      { weight: 1, arbitrary: fc.integer() },
      // A valid text with some characters inserted.
      {
        weight: 2,
        arbitrary: fc
          .tuple(valid, fc.nat(30), fc.string({ maxLength: 3 }))
          .map(([value, at, inserted]) =>
            typeof value === "string" ? value.slice(0, at) + inserted + value.slice(at + 1) : value,
          ),
      },
    )
    .map((value) => (isRepresentable(field, value) ? value : validValue(field, 0)));
};

// A spread keeps __proto__ as a key; Object.assign would set the prototype.
const merge = (extra: object, known: object): Record<string, unknown> => ({ ...extra, ...known });

const anyInput = (fields: readonly Field[]): fc.Arbitrary<Record<string, unknown>> => {
  const pathFields = fields.filter(({ location }) => location === "path").map(({ name }) => name);
  const knownFields = Object.fromEntries(fields.map((field) => [field.name, anyValue(field)]));
  const extraFields = fc.dictionary(
    fc.constantFrom("id", "user_id", "__proto__", "constructor", "x"),
    fc.jsonValue(),
    { maxKeys: 2 },
  );
  const hasBody = fields.some(({ location }) => location === "json");
  return fc
    .tuple(
      fc.record(knownFields, { requiredKeys: pathFields }),
      fc.option(hasBody ? extraFields : fc.constant({}), { nil: {}, freq: 4 }),
    )
    .map(([known, extra]) => merge(extra, known));
};

const operations = operationsOf(appRouter).map((operation) => [operation.name, operation] as const);

describe.each(operations)("%s", (_, operation: Operation) => {
  const fields = fieldsOf(operation);
  const samples = fields.map((field, i) => [field.name, sampleEdgeCases(field, i)] as const);
  beforeAll(() => signInNewUser(targets, `${operation.name}@example.com`));

  test("valid input: accepted by all targets, with equal outcomes", async () => {
    for (let i = 0; i < 5; i++)
      expect(await findViolations(targets, operation, validInput(fields, serial++))).toEqual([]);
    const accepted = targets.map((target) =>
      acceptsInput(target, operation, validInput(fields, serial)),
    );
    expect(await Promise.all(accepted)).toEqual(targets.map(() => true));
    if (operation.rest.method === "DELETE") await Promise.all(targets.map(renewFixture));
  });

  test.each(samples)("edge cases of %s: equal outcomes on all targets", async (name, values) => {
    const violations: string[] = [];
    for (const value of values) {
      const input = { ...validInput(fields, serial++), [name]: value };
      violations.push(...(await findViolations(targets, operation, input)));
    }
    expect(violations).toEqual([]);
  });

  test(
    "generated input: equal outcomes on all targets",
    async () => {
      await fc.assert(
        fc.asyncProperty(anyInput(fields), async (input) => {
          expect(await findViolations(targets, operation, input)).toEqual([]);
        }),
        { ...repeated, numRuns: runs, ...timeLimit(20_000 + 100 * runs) },
      );
    },
    30_000 + 100 * runs,
  );
});

test("every operation with input has at least 200 different edge cases", () => {
  const counts = operations
    .map(([, operation]) => fieldsOf(operation))
    .filter((fields) => fields.length > 0)
    .map((fields) => new Set(fields.flatMap((field) => edgeCasesFor(field))).size);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(200);
});
