import type { ErrorCode } from "@taskwire/shared";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { shortJson } from "../support/setup/short-json.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const emoji = "\u{1F389}";
const sqlText = `'); drop table tasks; -- " \\ $1 %s`;
/** A valid recurrence rule with this length. */
const ruleOf = (length: number): string =>
  `FREQ=DAILY;INTERVAL=${"1".padStart(length - "FREQ=DAILY;INTERVAL=".length, "0")}`;
const wrongType: ErrorCode = "VALIDATION_ERROR";

/** Accepted values, each with the value that is returned where it differs. */
const valid: [field: string, value: unknown, stored?: unknown][] = [
  ["title", "a"],
  ["title", "x".repeat(200)],
  ["title", emoji.repeat(200)],
  ["title", `  ${emoji.repeat(200)}\n`, emoji.repeat(200)],
  ["title", "\u00A0\u3000\uFEFFa b\u2003", "a b"],
  ["title", "a\u200B\u0301"],
  ["title", "two\nlines\tand \u0001"],
  ["title", sqlText],
  ["title", "null"],
  ["description", ""],
  ["description", "  not trimmed  "],
  ["description", "x".repeat(1000)],
  ["description", emoji.repeat(1000)],
  ["description", sqlText],
  ["completed", true],
  ["priority", "low"],
  ["priority", "medium"],
  ["priority", "high"],
  ["due_date", "2026-05-06T07:08:09Z", "2026-05-06T07:08:09.000Z"],
  ["due_date", "2026-05-06T07:08:09.1Z", "2026-05-06T07:08:09.100Z"],
  ["due_date", "2026-05-06T10:00:00+05:30", "2026-05-06T04:30:00.000Z"],
  ["due_date", "2026-01-01T00:00:00-00:30", "2026-01-01T00:30:00.000Z"],
  ["due_date", "2026-05-06T07:08:09", "2026-05-06T07:08:09.000Z"],
  ["due_date", "2026-05-06T07:08", "2026-05-06T07:08:00.000Z"],
  ["due_date", "2026-05-06T07:08Z", "2026-05-06T07:08:00.000Z"],
  ["due_date", "2026-05-06T07:08-01:00", "2026-05-06T08:08:00.000Z"],
  ["due_date", "2026-05-06T07:08:09.123456789Z", "2026-05-06T07:08:09.123Z"],
  ["due_date", "1999-12-31T23:59:59.999Z"],
  ["due_date", "2024-02-29T00:00:00.000Z"],
  ["due_date", "0001-01-01T00:00:00.000Z"],
  ["due_date", "0000-12-31T23:00:00-01:00", "0001-01-01T00:00:00.000Z"],
  ["due_date", "0099-06-01T00:00:00.000Z"],
  ["due_date", "9999-12-31T23:59:59.999Z"],
  ["due_date", "9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"],
  ["recurrence_rule", "FREQ=DAILY"],
  ["recurrence_rule", "RRULE:FREQ=DAILY;INTERVAL=1"],
  ["recurrence_rule", "freq=weekly;byday=mo,we"],
  ["recurrence_rule", "FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20271231T235959Z;WKST=SU"],
  ["recurrence_rule", "FREQ=DAILY;UNTIL=20271231"],
  ["recurrence_rule", "FREQ=DAILY;UNTIL=20271231T235959"],
  ["recurrence_rule", "COUNT=10;FREQ=MONTHLY;BYDAY=-1FR"],
  ["recurrence_rule", "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU,WE,TH,FR"],
  ["recurrence_rule", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29,-1"],
  ["recurrence_rule", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO"],
  ["recurrence_rule", "FREQ=YEARLY;BYDAY=53MO,-53SU"],
  ["recurrence_rule", "FREQ=WEEKLY;BYDAY=MO,MO"],
  ["recurrence_rule", "FREQ=HOURLY;BYMINUTE=0,30;BYSECOND=0"],
  ["recurrence_rule", ruleOf(1000)],
];

/** Rejected values by the code of their error. */
const invalid: [field: string, code: ErrorCode, ...values: unknown[]][] = [
  [
    "title",
    "INVALID_TITLE",
    "",
    "   ",
    "\u00A0",
    "\u3000",
    "\uFEFF",
    "\n\t\r",
    "\u200B\u200D\u2060",
  ],
  ["title", "INVALID_TITLE", "\u0001\u007F", "x".repeat(201), emoji.repeat(201)],
  ["title", wrongType, undefined, null, 5, true, ["a"], { a: 1 }, "a\0b", "\uD800", "a\uDC00"],
  ["description", "DESCRIPTION_TOO_LONG", "x".repeat(1001), emoji.repeat(1001), " ".repeat(1001)],
  ["description", wrongType, 5, false, ["a"], { a: 1 }, "\0", `${"x".repeat(1001)}\0`, "\uDFFF"],
  ["completed", wrongType, "true", "false", "", 1, 0, null, ["true"], {}],
  ["priority", "INVALID_PRIORITY", "HIGH", "High", "", " high", "urgent", "constructor", "1"],
  ["priority", wrongType, null, 1, ["high"], {}, true, "high\0"],
  ["due_date", "INVALID_DUE_DATE", "", "now", "tomorrow", "infinity", "-infinity", "epoch", "0"],
  ["due_date", "INVALID_DUE_DATE", "2026-01-01", "2020-02-30T10:00:00Z", "2023-02-29T00:00:00Z"],
  ["due_date", "INVALID_DUE_DATE", "2020-01-01T24:00:00Z", "2020-01-01T10:60:00Z"],
  ["due_date", "INVALID_DUE_DATE", "2020-13-01T00:00:00Z", "2020-00-01T00:00:00Z"],
  ["due_date", "INVALID_DUE_DATE", "2020-01-01T10:00:00+24:00", "2020-01-01T10:00:00+05:60"],
  ["due_date", "INVALID_DUE_DATE", "+275760-09-13T00:00:00Z", "-000001-01-01T00:00:00Z"],
  ["due_date", "INVALID_DUE_DATE", "12020-01-01T00:00:00Z", "0000-06-01T00:00:00Z"],
  ["due_date", "INVALID_DUE_DATE", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-12:00"],
  ["due_date", "INVALID_DUE_DATE", " 2026-05-06T07:08:09Z", "2026-05-06T07:08:09Z; select 1"],
  ["due_date", "INVALID_DUE_DATE", "1777777777", "Wed, 06 May 2026 07:08:09 GMT", "2026-05-06T"],
  ["due_date", wrongType, 0, 1_777_777_777, true, ["2026-05-06T07:08:09Z"], {}, "2026\0"],
  [
    "recurrence_rule",
    "INVALID_RECURRENCE_RULE",
    "",
    " ",
    "every day",
    "FREQ",
    "FREQ=",
    "INTERVAL=2",
  ],
  ["recurrence_rule", "INVALID_RECURRENCE_RULE", "FREQ=FORTNIGHTLY", "FREQ=DAILY;FREQ=DAILY"],
  ["recurrence_rule", "INVALID_RECURRENCE_RULE", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1"],
  ["recurrence_rule", "INVALID_RECURRENCE_RULE", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1"],
  ["recurrence_rule", "INVALID_RECURRENCE_RULE", "FREQ=DAILY;COUNT=2;UNTIL=20271231"],
  [
    "recurrence_rule",
    "INVALID_RECURRENCE_RULE",
    "FREQ=DAILY;UNTIL=tomorrow",
    "FREQ=DAILY;UNTIL=20260230",
  ],
  ["recurrence_rule", "INVALID_RECURRENCE_RULE", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYDAY=1MO"],
  [
    "recurrence_rule",
    "INVALID_RECURRENCE_RULE",
    "FREQ=YEARLY;BYDAY=54MO",
    "FREQ=MONTHLY;BYDAY=0MO",
  ],
  [
    "recurrence_rule",
    "INVALID_RECURRENCE_RULE",
    "FREQ=MONTHLY;BYMONTHDAY=32",
    "FREQ=YEARLY;BYMONTH=13",
  ],
  ["recurrence_rule", "INVALID_RECURRENCE_RULE", "FREQ=DAILY;NONSENSE=1", "FREQ=DAILY;BYHOUR=24"],
  [
    "recurrence_rule",
    "INVALID_RECURRENCE_RULE",
    "FREQ=DAILY ",
    "FREQ=DAILY\nRRULE:FREQ=DAILY",
    sqlText,
  ],
  ["recurrence_rule", wrongType, ruleOf(1001), emoji.repeat(1001), " ".repeat(1001)],
  ["recurrence_rule", "INVALID_RECURRENCE_RULE", emoji.repeat(1000)],
  ["recurrence_rule", wrongType, 5, true, ["FREQ=DAILY"], {}, "FREQ=DAILY\0"],
];

describe.each(transports)("over $name", (transport) => {
  let ada: SignedInUser;
  let task_id: number;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
    ({ id: task_id } = await ada.newTask());
  });

  const requiredFields = { title: "Least", completed: false, priority: "low" };

  test.each(
    valid.map(
      ([field, value, stored = value]) => [field, shortJson(value), value, stored] as const,
    ),
  )(
    "create and update accept %s %s; get returns exactly what update returned",
    async (field, _, value, stored) => {
      const created = await ada.call("task.create", { title: "Made", [field]: value });
      expect(created.data).toMatchObject({ [field]: stored });
      const changed = await ada.call("task.update", { task_id, ...requiredFields, [field]: value });
      expect(changed.data).toMatchObject({ [field]: stored });
      // The write statement returns the row, get reads it: both must agree to the byte.
      expect(await ada.task(task_id)).toEqual(changed.data);
    },
  );

  test.each(
    invalid.flatMap(([field, code, ...values]) =>
      values.map((value) => [field, shortJson(value), code, value] as const),
    ),
  )("create and patch reject %s %s: %s", async (field, _, code, value) => {
    const status = code === "VALIDATION_ERROR" ? 422 : 400;
    // A patch may omit any field, so the absent one is tried with an update.
    const change = value === undefined ? "task.update" : "task.patch";
    for (const procedure of ["task.create", change]) {
      const response = await ada.call(procedure, { task_id, ...requiredFields, [field]: value });
      expectError(response, status, code, field);
    }
  });

  test("reports the first invalid field in the schema's order, not in the body's order", async () => {
    const faults: [string, unknown, ErrorCode][] = [
      ["title", "", "INVALID_TITLE"],
      ["description", 5, "VALIDATION_ERROR"],
      ["completed", "no", "VALIDATION_ERROR"],
      ["priority", "urgent", "INVALID_PRIORITY"],
      ["due_date", "tomorrow", "INVALID_DUE_DATE"],
      ["recurrence_rule", "never", "INVALID_RECURRENCE_RULE"],
    ];
    for (const [index, [field, , code]] of faults.entries()) {
      // Reversed, so that the order of the body's keys differs from the schema's.
      const fields = Object.fromEntries(faults.slice(index).toReversed());
      const response = await ada.call("task.create", {
        ...fields,
        ...(index > 0 ? { title: "A" } : {}),
      });
      expectError(response, code === "VALIDATION_ERROR" ? 422 : 400, code, field);
    }
  });

  test.each([
    ["null", null],
    ["a list", []],
    ["a text", "x"],
    ["a number", 5],
  ])("%s as body: VALIDATION_ERROR", async (_, body) => {
    expectError(await ada.call("task.create", body), 422, "VALIDATION_ERROR");
  });
});
