// Valid, nearly valid and invalid texts for fields with a format: dates, recurrence rules,
// addresses, colours, enums.
import type { FieldSchema } from "./fields.ts";

const days = [
  ["2030-01-01", "2028-02-29", "0001-01-01", "9999-12-31", "0099-01-01", "1582-10-10"],
  ["2030-02-29", "2030-02-30", "2030-04-31", "2030-13-01", "2030-00-01", "2030-01-00"],
  ["0000-01-01", "10000-01-01", "+010000-01-01", "+275760-09-13", "-000001-01-01", "30-01-01"],
  ["2030-1-1", "2030-W01-1", "2030-001", "20300101", "２０３０-01-01"],
].flat();

const hours = [
  ["00:00", "00:00:00", "23:59:59", "24:00:00", "25:00:00", "00:60:00", "23:59:60", "0:0:0"],
  ["00:00:00.1", "00:00:00.123456789", "23:59:59.9999", "00:00:00.", "00:00:00,5", "000000"],
].flat();

const zones = [
  ["", "Z", "z", "+00:00", "-00:00", "+05:30", "-12:00", "+14:00", "+23:59", "-23:59", "+24:00"],
  ["+00:60", "+0530", "+05", "+5:30", "ZZ", " Z", "[Europe/Berlin]", "Z[UTC]", " UTC", "+99:99"],
].flat();

const dates = [
  days.map((day) => `${day}T10:00:00Z`),
  hours.map((hour) => `2030-01-01T${hour}Z`),
  zones.map((zone) => `2030-01-01T10:00:00${zone}`),
  ["0001-01-01T00:00:00+00:01", "0000-12-31T23:59:59-00:01", "9999-12-31T23:59:59-00:01"],
  ["9999-12-31T23:59:59.9999Z", "10000-01-01T00:00:00+00:01", "0001-01-01T00:00:00.000Z"],
  ["2030-01-01", "2030-01-01T", "T10:00:00Z", "2030-01-01 10:00:00Z", "2030-01-01t10:00:00Z"],
  ["now", "today", "tomorrow", "yesterday", "infinity", "-infinity", "epoch", "allballs", "never"],
  ["1900000000", "1900000000000", "1e12", "Tue, 01 Jan 2030 00:00:00 GMT", "1/1/2030", "P1D"],
].flat();

const recurrenceRuleParts = [
  ["COUNT=1", "COUNT=0", "COUNT=-1", "COUNT=1.5", "COUNT=99999999999999999999", "COUNT=１"],
  ["COUNT=", "INTERVAL=1", "INTERVAL=2", "INTERVAL=0", "INTERVAL=-1", "INTERVAL=1e9"],
  ["INTERVAL=999999999999", "BYDAY=MO", "BYDAY=MO,TU", "BYDAY=MO,MO", "BYDAY=MO,,TU", "BYDAY=XX"],
  ["BYDAY=1MO", "BYDAY=0MO", "BYDAY=53MO", "BYDAY=54MO", "BYDAY=-1FR", "BYDAY=+2SU", "BYDAY=mo"],
  ["BYMONTHDAY=31", "BYMONTHDAY=32", "BYMONTHDAY=0", "BYMONTHDAY=-31", "BYYEARDAY=366"],
  ["BYYEARDAY=367", "BYWEEKNO=53", "BYWEEKNO=54", "BYMONTH=12", "BYMONTH=13", "BYMONTH=0"],
  ["BYHOUR=23", "BYHOUR=24", "BYMINUTE=60", "BYSECOND=60", "BYSECOND=61", "BYSETPOS=1"],
  ["BYSETPOS=0", "BYSETPOS=367", "WKST=SU", "WKST=ZZ", "X-FOO=1", "UNTIL=20301231"],
  ["UNTIL=20301231T235959", "UNTIL=20301231T235959Z", "UNTIL=20300230", "UNTIL=now"],
  ["UNTIL=99991231T235959Z", "UNTIL=00000101", "UNTIL=20301231;COUNT=1", "FREQ=WEEKLY"],
  ["COUNT=1;COUNT=2", "__PROTO__=1", "CONSTRUCTOR=1", "BYMONTH=2;BYMONTHDAY=30", "", ";", "="],
  ["A=B=C", "BYHOUR=1 2", `BYMONTHDAY=${Array(3000).fill("1").join(",")}`],
].flat();

const frequencies = [
  ["YEARLY", "MONTHLY", "WEEKLY", "HOURLY", "MINUTELY", "SECONDLY", "SOMETIMES", "", "daily"],
].flat();

const recurrenceRules = [
  frequencies.map((frequency) => `FREQ=${frequency}`),
  recurrenceRuleParts.map((part) => `FREQ=DAILY;${part}`),
  ["FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "COUNT=1"],
  ["RRULE:FREQ=DAILY", "rrule:FREQ=DAILY", "RRULE:RRULE:FREQ=DAILY", "RRULE:", "FREQ"],
  ["FREQ:DAILY", "FREQ = DAILY", " FREQ=DAILY", "FREQ=DAILY ", "FREQ=DAILY\n"],
  ["FREQ=DAILY\r\nEXDATE:20300101T000000Z", "DTSTART:20300101T000000Z\nRRULE:FREQ=DAILY"],
  ["RSCALE=GREGORIAN;FREQ=YEARLY", "FREQ=DAILY\0", "EXRULE:FREQ=DAILY", "RDATE:20300101"],
  ["FREQ=DAILY;BYDAY=MO\uD800", "P1D", "every day"],
].flat();

const emails = [
  ["a@b.co", " a@b.co ", "A@B.CO", "a+b@c.de", "a.b@c.de", "a'b@c.de", "a@b-c.de"],
  ["a@xn--p1ai.ru", "a", "@", "a@", "@b.co", "a@b", "a@b.", "a@.co", "a@b..co", "a..b@c.de"],
  [".a@b.co", "a.@b.co", "a@b@c.de", "a b@c.de", "a@b c.de", '"a b"@c.de', "a@[127.0.0.1]"],
  ["a@127.0.0.1", "a@-b.co", "a@b_c.de", "a\n@b.co", "a@b.co\n", "a@b.co\0", "ä@b.de", "a@ä.de"],
  ["\u212A@b.co", "a@b.c0m", `${"a".repeat(64)}@b.co`, `${"a".repeat(65)}@b.co`],
  [`a@${"b".repeat(63)}.co`, `a@${"b".repeat(64)}.co`, `a@${"b.".repeat(124)}co`],
  [`a@${"b.".repeat(130)}co`, "a@b.co,c@d.ef", "<a@b.co>", "mailto:a@b.co"],
].flat();

const colors = [
  ["#FF5733", "#ff5733", "#000000", "#GGGGGG", "#FFF", "#FF57333", "#FF573380", "FF5733"],
  ["##F5733", "red", "rgb(1,2,3)", " #FF5733", "#FF5733 ", "#FF5733\n", "#ＦＦ５７３３", "#FF573٣"],
  ["transparent"],
].flat();

const enumValues = [
  ["low", "medium", "high", "LOW", "Low", " low", "low ", "low\n", "urgent", "low,high", "lоw"],
  ["all", "pending", "completed", "ALL", "done", "title", "-title", "+title", "--title", "TITLE"],
  ["due_date", "-due_date", "priority", "-priority", "created_at", "-created_at", "id", "-id"],
  ["-", "password_hash", "user.email", "title desc", "title,id", "title;", "updated_at"],
  ["created_at asc"],
].flat();

/** Returns the texts for the format of a field, as its schema names it; none for a field without a format. */
export const formatTextsFor = (schema: FieldSchema): readonly string[] => {
  if (schema.format === "date-time") return dates;
  if (schema.format === "email") return emails;
  if (String(schema.description).includes("RRULE")) return recurrenceRules;
  if (schema.pattern !== undefined) return colors;
  return schema.enum === undefined ? [] : enumValues;
};

/** The texts of all formats together. */
export const formatTexts: readonly string[] = [
  ...dates,
  ...recurrenceRules,
  ...emails,
  ...colors,
  ...enumValues,
];
