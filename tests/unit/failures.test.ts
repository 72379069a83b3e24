import { isDatabaseAway } from "@taskwire/server/db/failures.ts";
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
    "ECONNREFUSED",
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
