import { isDatabaseAway } from "@taskwire/server/db/failures.ts";
import { translateError } from "@taskwire/server/rpc/translate-error.ts";
import { describe, expect, test } from "vitest";

const withCode = (code: string, message = "x") => Object.assign(new Error(message), { code });

describe("the database is away", () => {
  test.each([
    "08006",
    "08P01",
    "53300",
    "57P01",
    "57P03",
    "57014",
    "55P03",
    "40001",
    "40P01",
    "25006",
    "ECONNREFUSED",
    "EMFILE",
    "ETIMEDOUT",
  ])("with the code %s", (code) => {
    expect(isDatabaseAway(withCode(code))).toBe(true);
  });

  test.each(["Connection terminated unexpectedly", "timeout exceeded when trying to connect"])(
    "with: %s",
    (message) => {
      expect(isDatabaseAway(new Error(message))).toBe(true);
    },
  );

  test.each(["28P01", "3D000", "55000"])(
    "when the session ends or never begins, with %s",
    (code) => {
      expect(isDatabaseAway(Object.assign(withCode(code), { severity: "FATAL" }))).toBe(true);
      expect(isDatabaseAway(Object.assign(withCode(code), { severity: "ERROR" }))).toBe(false);
    },
  );

  test("behind the ORM's error, and among several", () => {
    expect(
      isDatabaseAway(new Error("driver", { cause: new Error("x", { cause: withCode("57P01") }) })),
    ).toBe(true);
    expect(isDatabaseAway(new AggregateError([withCode("EACCES"), withCode("ECONNREFUSED")]))).toBe(
      true,
    );
  });
});

test.each(["42P01", "23505", "22021", "42501", "EACCES", undefined])(
  "it is there with the code %s",
  (code) => {
    expect(
      isDatabaseAway(code === undefined ? new Error("Connection reset by a bug") : withCode(code)),
    ).toBe(false);
  },
);

test("an error that is its own cause comes to an end", () => {
  const error = new Error("x");
  error.cause = error;
  expect(isDatabaseAway(error)).toBe(false);
  expect(isDatabaseAway("text")).toBe(false);
});

describe("a caller is told of", () => {
  const told = (error: Error) => {
    const { code, detail, field, retryAfter } = translateError(
      new Error("driver", { cause: error }),
    );
    return { code, detail, field, retryAfter };
  };

  test.each([
    "22001",
    "22003",
    "22007",
    "22008",
    "22021",
    "22025",
    "2201B",
    "2201X",
    "22P02",
    "22P05",
  ])("a value that cannot be stored (%s), in no word of the driver's", (code) => {
    expect(told(withCode(code, "value too long for type"))).toEqual({
      code: "VALIDATION_ERROR",
      detail: "A value cannot be stored",
    });
  });

  test("a broken constraint, by its name", () => {
    expect(told(Object.assign(withCode("23514"), { constraint: "tasks_priority_check" }))).toEqual({
      code: "INVALID_PRIORITY",
      detail: "Priority must be low, medium, or high",
      field: "priority",
    });
  });

  test("a database that is away, and when to come back", () => {
    expect(told(withCode("57P01"))).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryAfter: 1 });
  });

  test.each(["22012", "23502", "42703", "58030", "XX000"])("nothing else (%s)", (code) => {
    expect(told(withCode(code, "column"))).toEqual({
      code: "INTERNAL_ERROR",
      detail: "Internal server error",
    });
  });
});
