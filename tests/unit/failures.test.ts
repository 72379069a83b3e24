import { isDatabaseUnavailable } from "@taskwire/server/db/failures.ts";
import { translateError } from "@taskwire/server/rpc/translate-error.ts";
import { describe, expect, test } from "vitest";

const withCode = (code: string, message = "x") => Object.assign(new Error(message), { code });

describe("an error means that the database is unavailable", () => {
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
    "2200H",
    "ECONNREFUSED",
    "EMFILE",
    "ETIMEDOUT",
  ])("if its code is %s", (code) => {
    expect(isDatabaseUnavailable(withCode(code))).toBe(true);
  });

  test.each(["Connection terminated unexpectedly", "timeout exceeded when trying to connect"])(
    "if its message is: %s",
    (message) => {
      expect(isDatabaseUnavailable(new Error(message))).toBe(true);
    },
  );

  test.each(["28P01", "3D000", "55000"])(
    "if its code is %s and its severity FATAL, but not ERROR",
    (code) => {
      expect(isDatabaseUnavailable(Object.assign(withCode(code), { severity: "FATAL" }))).toBe(
        true,
      );
      expect(isDatabaseUnavailable(Object.assign(withCode(code), { severity: "ERROR" }))).toBe(
        false,
      );
    },
  );

  test("if one of its causes, or one of several errors, means that", () => {
    expect(
      isDatabaseUnavailable(
        new Error("driver", { cause: new Error("x", { cause: withCode("57P01") }) }),
      ),
    ).toBe(true);
    expect(
      isDatabaseUnavailable(new AggregateError([withCode("EACCES"), withCode("ECONNREFUSED")])),
    ).toBe(true);
  });
});

test.each(["42P01", "23505", "22021", "42501", "EACCES", undefined])(
  "an error with the code %s does not mean that the database is unavailable",
  (code) => {
    expect(
      isDatabaseUnavailable(
        code === undefined ? new Error("Connection reset by a bug") : withCode(code),
      ),
    ).toBe(false);
  },
);

test("an error that is its own cause, or a text instead of an error, does not mean that the database is unavailable", () => {
  const error = new Error("x");
  error.cause = error;
  expect(isDatabaseUnavailable(error)).toBe(false);
  expect(isDatabaseUnavailable("text")).toBe(false);
});

describe("translateError", () => {
  const translate = (error: Error) => {
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
  ])("returns VALIDATION_ERROR for SQLSTATE %s, without the driver's message", (code) => {
    expect(translate(withCode(code, "value too long for type"))).toEqual({
      code: "VALIDATION_ERROR",
      detail: "A value cannot be stored",
    });
  });

  test("returns the API error of a violated constraint", () => {
    expect(
      translate(Object.assign(withCode("23514"), { constraint: "tasks_priority_check" })),
    ).toEqual({
      code: "INVALID_PRIORITY",
      detail: "Priority must be low, medium, or high",
      field: "priority",
    });
  });

  test("returns SERVICE_UNAVAILABLE with retryAfter 1 if the database is unavailable", () => {
    expect(translate(withCode("57P01"))).toMatchObject({
      code: "SERVICE_UNAVAILABLE",
      retryAfter: 1,
    });
  });

  test.each(["22012", "23502", "42703", "58030", "XX000"])(
    "returns INTERNAL_ERROR for SQLSTATE %s",
    (code) => {
      expect(translate(withCode(code, "column"))).toEqual({
        code: "INTERNAL_ERROR",
        detail: "Internal server error",
      });
    },
  );
});
