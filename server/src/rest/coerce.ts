import type { z } from "zod";

type JsonSchema = z.core.JSONSchema.BaseSchema;

const typesOf = (schema: JsonSchema): readonly string[] => {
  const { type } = schema;
  if (typeof type === "string") return [type];
  return Array.isArray(type) ? type : [];
};

// Digits without end are still a number: too large for anything, but no infinity.
const bounded = (value: number): number =>
  Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));

/**
 * A text of a path, query or form as the value that its schema wants. Only values are coerced, never validators:
 * a number that is none becomes NaN, which no schema takes, and everything else goes on as it is.
 * @param schema the field's JSON Schema
 * @param value what the parser found; a repeated parameter is a list, and stays one
 */
export const coerce = (schema: JsonSchema, value: unknown): unknown => {
  if (typeof value !== "string") return value;
  const types = typesOf(schema);
  if (types.includes("string")) return value;
  if (types.includes("integer")) return /^-?\d+$/.test(value) ? bounded(Number(value)) : Number.NaN;
  if (types.includes("number"))
    return /^-?\d+(?:\.\d+)?$/.test(value) ? bounded(Number(value)) : Number.NaN;
  if (types.includes("boolean") && (value === "true" || value === "false")) return value === "true";
  return value;
};

/** Coerces each text of a record by the schema of its name; names without a schema are left out. */
export const coerceAll = (
  properties: Readonly<Record<string, JsonSchema>>,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => Object.hasOwn(values, name))
      .map(([name, schema]) => [name, coerce(schema, values[name])]),
  );
