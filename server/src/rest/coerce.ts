import type { z } from "zod";

type JsonSchema = z.core.JSONSchema.BaseSchema;

const typesOf = (schema: JsonSchema): readonly string[] => {
  const { type } = schema;
  if (typeof type === "string") return [type];
  return Array.isArray(type) ? type : [];
};

// Hundreds of digits parse to Infinity, which fails another rule than a number that is too large.
const bounded = (value: number): number =>
  Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));

/**
 * Converts a text of a path, query or form to the type that its schema requires. It changes values, never validators:
 * a text that is no number becomes NaN, which every schema rejects; any other value is returned unchanged.
 * @param schema the field's JSON Schema
 * @param value the parser's result; a repeated parameter is a list, which is returned unchanged
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

/** Coerces each value of a record by the schema of its name, and drops names without a schema. */
export const coerceAll = (
  properties: Readonly<Record<string, JsonSchema>>,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> => {
  const coerced: Record<string, unknown> = {};
  for (const name in properties) {
    const schema = properties[name];
    if (schema !== undefined && Object.hasOwn(values, name))
      coerced[name] = coerce(schema, values[name]);
  }
  return coerced;
};
