import type { Operation } from "@taskwire/server/rest/operations.ts";
import { z } from "zod";

/** What a field's schema says, with "or null" taken off. */
interface Shape {
  type?: unknown;
  enum?: readonly unknown[];
  format?: unknown;
  pattern?: unknown;
  description?: unknown;
}

/** One field of an operation's input, and where REST carries it. */
export interface Field {
  name: string;
  place: "path" | "query" | "json" | "form";
  shape: Shape;
}

/** What zod says of a schema as JSON Schema: a definition of its own behind a reference, or one of "this or null". */
const shapeOf = (schema: z.core.$ZodType): Shape => {
  const {
    $ref,
    $defs = {},
    ...json
  } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
  });
  const whole = $ref === undefined ? json : ($defs[$ref.replace("#/$defs/", "")] ?? json);
  const { anyOf, ...own } = whole;
  const value = anyOf?.find((each) => typeof each === "object" && each.type !== "null");
  return Object.assign({}, own, value) as Shape; // JSON Schema's own types are wider than what is read here.
};

/** Every field that both transports have, under the router's names: a new one is tried without being listed here. */
export const fieldsOf = ({ rest, inputs }: Operation): Field[] =>
  inputs
    .flatMap(({ shape }) => Object.entries<z.core.$ZodType>(shape))
    .filter(([name]) => !rest.hidden?.includes(name))
    .map(([name, schema]) => ({
      name,
      place: rest.path.includes(`{${name}}`) ? "path" : (rest.body ?? "query"),
      shape: shapeOf(schema),
    }));

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Own rows that every target has, and makes anew when they are deleted. */
export interface Fixture {
  task_id: number;
  tag_id: number;
  /** Of a session that ended long ago: its own would take its token along. */
  session_id: string;
}

/** Stands for the fixture's id of that name, which a target puts in. */
export const own = Symbol("own");

/**
 * A value that the field takes.
 * @param serial makes addresses and names of no two calls alike
 */
export const goodValue = ({ name, place, shape }: Field, serial: number): unknown => {
  if (place === "path") return own;
  if (shape.enum !== undefined) return shape.enum[serial % shape.enum.length];
  if (shape.type === "integer" || shape.type === "number") return 1;
  if (shape.type === "boolean") return serial % 2 === 0;
  if (shape.format === "email") return `person${serial}@example.com`;
  if (shape.format === "date-time") return "2030-01-01T10:00:00+05:30";
  if (shape.pattern !== undefined) return "#FF5733";
  if (String(shape.description).includes("RRULE")) return "FREQ=WEEKLY;BYDAY=MO";
  return `${name} ${serial}`;
};

/** An input with every field good. */
export const goodInput = (fields: readonly Field[], serial: number): Record<string, unknown> =>
  Object.fromEntries(fields.map((field) => [field.name, goodValue(field, serial)]));

const isInteger = (text: string): boolean => /^-?\d+$/.test(text);

const fits = (text: string, longest: number): boolean =>
  text.isWellFormed() && encodeURIComponent(text).length <= longest;

/**
 * Whether both transports can say it. A path, query or form is all text: a number is said there by its digits, and
 * nothing else than a number or a text can be; a text of digits is a number to REST and a text to tRPC.
 */
export const isSayable = ({ place, shape }: Field, value: unknown): boolean => {
  if (place === "json" || value === own) return true;
  const isNumeric = shape.type === "integer" || shape.type === "number";
  if (typeof value === "number") return isNumeric && isInteger(String(value));
  if (typeof value !== "string") return false;
  if (place === "path") return value !== "" && !isInteger(value) && fits(value, 500);
  // Longer than what a server reads of headers, it would not even arrive.
  return !isNumeric && fits(value, place === "query" ? 2000 : 40_000);
};
