import { coerce, coerceAll } from "@taskwire/server/rest/coerce.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

describe("an integer", () => {
  const schema = { type: "integer" } as const;

  test.each([
    ["0", 0],
    ["7", 7],
    ["-1", -1],
    ["007", 7],
    ["10000000000000000000000", 1e22],
  ])("is read from %s", (text, value) => {
    expect(coerce(schema, text)).toBe(value);
  });

  test.each([
    "",
    " ",
    "abc",
    "1e2",
    "0x10",
    "+1",
    " 7",
    "7 ",
    "1.",
    ".5",
    "١",
    "Infinity",
    "NaN",
    "1_000",
    "--1",
  ])("is not read from %j", (text) => {
    expect(coerce(schema, text)).toBeNaN();
  });

  test("of any size comes back", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(coerce(schema, String(value))).toBe(value);
      }),
    );
  });
});

test("a fraction is a number, but no integer, not even 1.0", () => {
  for (const text of ["1.5", "1.0"]) expect(coerce({ type: "integer" }, text)).toBeNaN();
  expect(coerce({ type: "number" }, "-0.5")).toBe(-0.5);
});

test("digits without end are a number, and no infinity", () => {
  for (const type of ["integer", "number"] as const) {
    expect(coerce({ type }, "9".repeat(400))).toBe(Number.MAX_VALUE);
    expect(coerce({ type }, `-${"9".repeat(400)}`)).toBe(-Number.MAX_VALUE);
  }
});

test("a boolean is true or false, and nothing that looks like it", () => {
  const schema = { type: "boolean" } as const;
  expect(coerce(schema, "true")).toBe(true);
  expect(coerce(schema, "false")).toBe(false);
  for (const text of ["1", "TRUE", "yes", ""]) expect(coerce(schema, text)).toBe(text);
});

test("a string stays as it is, also where it may be null", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(coerce({ type: "string" }, text)).toBe(text);
      expect(coerce({ type: ["string", "null"] as unknown as "string" }, text)).toBe(text);
      expect(coerce({}, text)).toBe(text);
    }),
  );
});

test("what is no text is left alone: a repeated parameter stays a list", () => {
  for (const value of [["1", "2"], undefined, null, 5, { a: "1" }])
    expect(coerce({ type: "integer" }, value)).toBe(value);
});

test("a record keeps the names that have a schema, and only its own", () => {
  const properties = {
    page: { type: "integer" },
    q: { type: "string" },
    constructor: { type: "string" },
  } as const;
  expect(coerceAll(properties, { page: "2", q: "5", other: "x" })).toEqual({ page: 2, q: "5" });
  expect(coerceAll(properties, {})).toEqual({});
});
