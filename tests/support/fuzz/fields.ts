import type { Operation } from "@taskwire/server/rest/operations.ts";
import { z } from "zod";

/** The part of a field's JSON Schema that the generators read; a nullable schema is unwrapped. */
export interface FieldSchema {
  type?: unknown;
  enum?: readonly unknown[];
  format?: unknown;
  pattern?: unknown;
  description?: unknown;
}

/** One field of an operation's input, and the part of a REST request that carries it. */
export interface Field {
  name: string;
  location: "path" | "query" | "json" | "form";
  schema: FieldSchema;
}

/** Returns the JSON Schema of a zod schema, with a top-level $ref resolved and "or null" removed. */
const fieldSchemaOf = (schema: z.core.$ZodType): FieldSchema => {
  const {
    $ref,
    $defs = {},
    ...json
  } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
  });
  const resolved = $ref === undefined ? json : ($defs[$ref.replace("#/$defs/", "")] ?? json);
  const { anyOf, ...rest } = resolved;
  const nonNull = anyOf?.find((each) => typeof each === "object" && each.type !== "null");
  return Object.assign({}, rest, nonNull) as FieldSchema; // Safe: every property that is read here is unknown or optional.
};

/**
 * Returns every input field that both transports accept, by the router's names. New fields are
 * included automatically.
 */
export const fieldsOf = ({ rest, inputs }: Operation): Field[] =>
  inputs
    .flatMap(({ shape }) => Object.entries<z.core.$ZodType>(shape))
    .filter(([name]) => !rest.hidden?.includes(name))
    .map(([name, schema]) => ({
      name,
      location: rest.path.includes(`{${name}}`) ? "path" : (rest.body ?? "query"),
      schema: fieldSchemaOf(schema),
    }));

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Ids of a target's own task and tag (created again after a deletion), and of a session. */
export interface Fixture {
  task_id: number;
  tag_id: number;
  /** A session that does not exist: revoking the real one would revoke the target's token. */
  session_id: string;
}

/** Placeholder in an input: each target replaces it with the fixture's id for that field. */
export const fixtureId = Symbol("fixtureId");

/**
 * Returns a valid value for the field.
 * @param serial makes addresses and names unique between calls
 */
export const validValue = ({ name, location, schema }: Field, serial: number): unknown => {
  if (location === "path") return fixtureId;
  if (schema.enum !== undefined) return schema.enum[serial % schema.enum.length];
  if (schema.type === "integer" || schema.type === "number") return 1;
  if (schema.type === "boolean") return serial % 2 === 0;
  if (schema.format === "email") return `person${serial}@example.com`;
  if (schema.format === "date-time") return "2030-01-01T10:00:00+05:30";
  if (schema.pattern !== undefined) return "#FF5733";
  if (String(schema.description).includes("RRULE")) return "FREQ=WEEKLY;BYDAY=MO";
  return `${name} ${serial}`;
};

/** Returns an input in which every field is present and valid. */
export const validInput = (fields: readonly Field[], serial: number): Record<string, unknown> =>
  Object.fromEntries(fields.map((field) => [field.name, validValue(field, serial)]));

const isInteger = (text: string): boolean => /^-?\d+$/.test(text);

const fitsEncoded = (text: string, maxLength: number): boolean =>
  text.isWellFormed() && encodeURIComponent(text).length <= maxLength;

/**
 * Returns whether both transports can send the value with the same meaning. A path, query or form carries only text:
 * a number is sent as its digits, and digits are a number to REST but a string to tRPC.
 */
export const isRepresentable = ({ location, schema }: Field, value: unknown): boolean => {
  if (location === "json" || value === fixtureId) return true;
  const isNumeric = schema.type === "integer" || schema.type === "number";
  if (typeof value === "number") return isNumeric && isInteger(String(value));
  if (typeof value !== "string") return false;
  if (location === "path") return value !== "" && !isInteger(value) && fitsEncoded(value, 500);
  // A longer query exceeds the server's limit for headers and never reaches the procedure.
  return !isNumeric && fitsEncoded(value, location === "query" ? 2000 : 40_000);
};
