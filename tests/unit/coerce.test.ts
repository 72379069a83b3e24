import { coerce, coerceAll } from "@taskwire/server/rest/coerce.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

describe("for an integer, coerce", () => {
  const schema = { type: "integer" } as const;

  test.each([
    ["0", 0],
    ["7", 7],
    ["-1", -1],
    ["007", 7],
    ["10000000000000000000000", 1e22],
  ])("converts %s", (text, value) => {
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
  ])("returns NaN for %j", (text) => {
    expect(coerce(schema, text)).toBeNaN();
  });

  test("converts the digits of any integer to that integer", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(coerce(schema, String(value))).toBe(value);
      }),
    );
  });
});

test("a text with a decimal point becomes NaN for an integer, and a number for a number", () => {
  for (const text of ["1.5", "1.0"]) expect(coerce({ type: "integer" }, text)).toBeNaN();
  expect(coerce({ type: "number" }, "-0.5")).toBe(-0.5);
});

test("400 digits become the largest number instead of infinity", () => {
  for (const type of ["integer", "number"] as const) {
    expect(coerce({ type }, "9".repeat(400))).toBe(Number.MAX_VALUE);
    expect(coerce({ type }, `-${"9".repeat(400)}`)).toBe(-Number.MAX_VALUE);
  }
});

test("for a boolean, only the texts true and false are converted", () => {
  const schema = { type: "boolean" } as const;
  expect(coerce(schema, "true")).toBe(true);
  expect(coerce(schema, "false")).toBe(false);
  for (const text of ["1", "TRUE", "yes", ""]) expect(coerce(schema, text)).toBe(text);
});

test("for a string, a nullable string or an unknown type, the text is returned unchanged", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(coerce({ type: "string" }, text)).toBe(text);
      expect(coerce({ type: ["string", "null"] as unknown as "string" }, text)).toBe(text);
      expect(coerce({}, text)).toBe(text);
    }),
  );
});

test("a value that is no text, such as the list of a repeated parameter, is returned unchanged", () => {
  for (const value of [["1", "2"], undefined, null, 5, { a: "1" }])
    expect(coerce({ type: "integer" }, value)).toBe(value);
});

test("coerceAll drops names without a schema, and reads no inherited property", () => {
  const properties = {
    page: { type: "integer" },
    q: { type: "string" },
    constructor: { type: "string" },
  } as const;
  expect(coerceAll(properties, { page: "2", q: "5", other: "x" })).toEqual({ page: 2, q: "5" });
  expect(coerceAll(properties, {})).toEqual({});
});
