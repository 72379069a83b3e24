import { z } from "zod";
import { atMost, codePoints, dateTime, id, name, oneOf, rule, text } from "./common.ts";
import { maxTagNameLength, tag } from "./tag.ts";

/** From the lowest to the highest. */
export const priorities = ["low", "medium", "high"] as const;

export type Priority = (typeof priorities)[number];

const statuses = ["all", "pending", "completed"] as const;
const sorts = [
  "due_date",
  "-due_date",
  "priority",
  "-priority",
  "created_at",
  "-created_at",
  "title",
  "-title",
] as const;

// PGlite drops a byte order mark when it reads a text, PostgreSQL does not: so it is never stored.
const withoutByteOrderMark = (value: string): string => value.replace(/^\uFEFF+/, "");

const maxRuleLength = 1000;

const example = {
  title: "Write the report",
  description: "Two pages, with figures",
  completed: false,
  priority: "high",
  due_date: "2030-01-31T17:00:00+01:00",
  recurrence_rule: "FREQ=MONTHLY;BYMONTHDAY=-1",
};

const fields = {
  title: name(200, "INVALID_TITLE"),
  description: text()
    .overwrite(withoutByteOrderMark)
    .refine((value) => codePoints(value) <= 1000, rule("DESCRIPTION_TOO_LONG"))
    .meta({ maxLength: 1000 })
    .nullable(),
  completed: z.boolean(),
  priority: oneOf(priorities, "INVALID_PRIORITY").meta({ id: "Priority" }),
  due_date: dateTime("INVALID_DUE_DATE").nullable(),
  recurrence_rule: text()
    .refine(...atMost(maxRuleLength))
    .meta({ description: "An iCalendar RRULE (RFC 5545)", maxLength: maxRuleLength })
    .nullable(),
};

export const taskCreate = z
  .object({
    title: fields.title,
    description: fields.description.optional(),
    completed: fields.completed.default(false),
    priority: fields.priority.optional(),
    due_date: fields.due_date.optional(),
    recurrence_rule: fields.recurrence_rule.optional(),
  })
  .meta({ id: "TaskCreate", examples: [example] });

export const taskReplace = z
  .object({
    ...fields,
    completed: fields.completed.meta({ default: false }),
    description: fields.description.optional(),
    due_date: fields.due_date.optional(),
    recurrence_rule: fields.recurrence_rule.optional(),
  })
  .meta({ id: "TaskReplace", examples: [{ ...example, title: "Write the final report" }] });

export const taskPatch = z
  .object(fields)
  .partial()
  .meta({ id: "TaskPatch", examples: [{ completed: true }] });

export const taskId = z.object({ task_id: id() });

export const taskAndTagId = taskId.extend({ tag_id: id() });

// A query text that is not a number becomes NaN. z.number() would report that as a wrong type, not as INVALID_PAGINATION.
const positiveInteger = (defaultValue: number) =>
  z
    .custom<number>((value) => typeof value === "number", {
      error: "must be a number",
      abort: true,
    })
    .refine((value) => Number.isInteger(value) && value >= 1, rule("INVALID_PAGINATION"))
    .meta({ type: "integer", minimum: 1, default: defaultValue })
    .default(defaultValue);

/** The maximum of tasks on a page. A larger limit counts as this, and the response says so (CONTRACT.md, "Listing"). */
const maxPageSize = 100;

const maxSearchLength = 100;

/** A cursor contains a title of 200 code points at most, each up to 6 bytes in JSON, in base64: below this bound. */
const maxCursorLength = 2048;

// A text that is too long for a name becomes the empty one, which no tag has either.
const possibleTagName = (value: string): string =>
  codePoints(value) <= maxTagNameLength ? value : "";

export const taskListInput = z
  .object({
    page: positiveInteger(1),
    limit: positiveInteger(20)
      .overwrite((value) => Math.min(value, maxPageSize))
      .meta({ description: "Values over 100 count as 100" }),
    q: text()
      .refine(...atMost(maxSearchLength))
      .meta({ maxLength: maxSearchLength, examples: ["report"] })
      .optional(),
    status: oneOf(statuses, "INVALID_STATUS").default("all"),
    priority: oneOf(priorities, "INVALID_PRIORITY").optional(),
    tag: text()
      .overwrite(possibleTagName)
      .meta({ description: "The id or the name of a tag", examples: ["Work"] })
      .optional(),
    sort: oneOf(sorts, "INVALID_SORT_FIELD").optional(),
    cursor: z
      .string()
      .refine(
        (value) => value.length <= maxCursorLength,
        rule("VALIDATION_ERROR", "is not one of this list"),
      )
      .nullish()
      .meta({ description: "The next_cursor of the previous page" }),
  })
  .prefault({});

export const task = z
  .object({
    id: z.number().meta({ type: "integer" }),
    title: z.string(),
    description: z.string().nullable(),
    completed: z.boolean(),
    priority: fields.priority,
    due_date: z.string().meta({ format: "date-time" }).nullable(),
    recurrence_rule: z.string().nullable(),
    user_id: z.string().meta({ format: "uuid" }),
    created_at: z.string().meta({ format: "date-time" }),
    updated_at: z.string().meta({ format: "date-time" }),
    tags: z.array(tag),
  })
  .meta({ id: "Task" });

export const taskPage = z
  .object({
    items: z.array(task),
    total: z.number().meta({ type: "integer" }),
    page: z.number().meta({ type: "integer" }),
    limit: z.number().meta({ type: "integer" }),
    pages: z.number().meta({ type: "integer" }),
  })
  .meta({ id: "TaskPage" });

/** For infinite scrolling, with tRPC only. */
export const taskPageWithCursor = taskPage.extend({ next_cursor: z.string().nullable() });
