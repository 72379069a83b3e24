import { z } from "zod";

export type JsonObject = Record<string, unknown>;
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Rewrites `anyOf: [{type: T}, {type: "null"}]` as the contract does: one schema with the types T and null. */
const mergeNull = (schema: JsonSchema): void => {
  const [value, nothing, ...rest] = schema.anyOf ?? [];
  if (typeof value !== "object" || typeof nothing !== "object" || rest.length > 0) return;
  if (nothing.type !== "null" || typeof value.type !== "string") return;
  // A list of values without null would exclude it.
  if (value.enum !== undefined || value.const !== undefined) return;
  delete schema.anyOf;
  // zod's type omits the list of types, which JSON Schema allows.
  Object.assign(schema, value, { type: [value.type, "null"] });
};

const componentPath = "#/components/schemas/";

/** Returns the component that a schema refers to, or undefined if it is no reference. */
export const referencedName = ({ $ref }: JsonSchema): string | undefined =>
  $ref?.slice(componentPath.length);

/**
 * Returns the JSON Schema of a zod schema. Every schema with an id, itself included, is a reference to its component.
 * zod's registry mode was tried: it needs each nested schema registered beforehand, else its reference points to
 * `__shared`, and adds `$id` and `$schema` to each; the global registry would publish schemas of no procedure.
 * @param io what a caller sends (`input`) or receives (`output`)
 * @returns the schema, and the components that it refers to, by id
 */
export const toJsonSchema = (
  zodSchema: z.ZodType,
  io: "input" | "output",
): { schema: JsonSchema; components: Record<string, JsonSchema> } => {
  const result = z.toJSONSchema(zodSchema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema: each, jsonSchema }) => {
      // Open objects: a client must accept a field that a later version adds.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // A default in the meta does not apply to a field that a patch leaves out.
      if (each instanceof z.ZodOptional && each.safeParse(undefined).data === undefined)
        delete jsonSchema.default;
      mergeNull(jsonSchema);
    },
  });
  const text = JSON.stringify(result).replaceAll('"#/$defs/', `"${componentPath}`);
  // The text of the JSON Schema that zod returned.
  const { $schema: _, $defs = {}, ...schema } = JSON.parse(text) as JsonSchema;
  const components = Object.entries($defs).map(([name, { id: _id, ...component }]) => [
    name,
    component,
  ]);
  return { schema, components: Object.fromEntries(components) };
};
