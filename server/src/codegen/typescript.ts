import { type JsonSchema, referencedName } from "../rest/json-schema.ts";

/*
 * Prints JSON Schema as TypeScript. json-schema-to-typescript was tried: it omits `| undefined` of optional fields
 * (exactOptionalPropertyTypes), constraints and defaults, and adds "This interface was referenced by" to each type.
 * zod-to-ts needs TypeScript's compiler API, which TypeScript 7 does not have.
 */

const maxLineLength = 100;

/** Keywords of JSON Schema that a field's documentation shows as tags. */
const tags = ["format", "pattern", "minLength", "maxLength", "minimum", "maximum"] as const;

const tagsOf = (schema: JsonSchema, isOptional: boolean): string[] => [
  ...tags.flatMap((tag) => {
    // zod adds a long pattern to each format, which says the same.
    const isRedundant = tag === "pattern" && schema.format !== undefined;
    return schema[tag] === undefined || isRedundant ? [] : [`@${tag} ${schema[tag]}`];
  }),
  ...(isOptional && schema.default !== undefined
    ? [`@default ${JSON.stringify(schema.default)}`]
    : []),
];

/**
 * Returns a JSDoc comment with its line break, or nothing if there is no text for it.
 * @param indent the spaces before each line
 */
export const docComment = (lines: readonly (string | undefined)[], indent: string): string => {
  const texts = lines
    .filter((line) => line !== undefined)
    .flatMap((line) => line.replaceAll("*/", "*\\/").split("\n"));
  if (texts.length === 0) return "";
  if (texts.length === 1) return `${indent}/** ${texts[0]} */\n`;
  return `${indent}/**\n${texts.map((text) => `${indent} * ${text}\n`).join("")}${indent} */\n`;
};

const literal = (value: unknown): string => JSON.stringify(value);

const primitives: Partial<Record<string, string>> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  null: "null",
};

/** Returns the members of the union that a schema is; a single one for any other schema. */
const membersOf = (schema: JsonSchema, indent: string): string[] => {
  const name = referencedName(schema);
  if (name !== undefined) return [name];
  if (schema.const !== undefined) return [literal(schema.const)];
  if (schema.enum !== undefined) return schema.enum.map(literal);
  if (schema.anyOf !== undefined) {
    return schema.anyOf.flatMap((each) =>
      typeof each === "boolean" ? ["unknown"] : membersOf(each, indent),
    );
  }
  // A nullable schema has a list of types (rest/json-schema.ts), which zod's type omits.
  const types = schema.type as string | string[] | undefined;
  if (Array.isArray(types)) {
    // Each member of the list is a type of JSON Schema.
    return types.flatMap((type) => membersOf({ ...schema, type } as JsonSchema, indent));
  }
  if (types === "array") return [arrayOf(schema, indent)];
  if (types === "object") return [objectOf(schema, indent)];
  const primitive = types === undefined ? undefined : primitives[types];
  if (primitive !== undefined) return [primitive];
  if (types === undefined && schema.allOf === undefined && schema.oneOf === undefined)
    return ["unknown"];
  throw new TypeError(`No TypeScript type for the JSON Schema ${JSON.stringify(schema)}`);
};

/** Returns the type of a JSON Schema in one line, except for objects, whose fields have lines of their own. */
export const typeOf = (schema: JsonSchema, indent = ""): string =>
  [...new Set(membersOf(schema, indent))].join(" | ");

const arrayOf = ({ items }: JsonSchema, indent: string): string => {
  if (items === undefined || typeof items === "boolean" || Array.isArray(items))
    throw new TypeError("No TypeScript type for an array without one schema for its items");
  const item = typeOf(items, indent);
  return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
};

const objectOf = (schema: JsonSchema, indent: string): string => {
  const { additionalProperties } = schema;
  if (schema.properties === undefined && typeof additionalProperties === "object")
    return `Record<string, ${typeOf(additionalProperties, indent)}>`;
  const fields = fieldsOf(schema, `${indent}  `);
  return fields === "" ? "object" : `{\n${fields}${indent}}`;
};

const fieldOf = (name: string, schema: JsonSchema, isOptional: boolean, indent: string): string => {
  const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
  const members = [
    ...new Set([...membersOf(schema, indent), ...(isOptional ? ["undefined"] : [])]),
  ];
  const start = `${indent}${key}${isOptional ? "?" : ""}:`;
  const line = `${start} ${members.join(" | ")};\n`;
  const fits = line.includes("{") || line.length <= maxLineLength + 1;
  const type = fits
    ? line
    : `${start}\n${members.map((member) => `${indent}  | ${member}`).join("\n")};\n`;
  return docComment([schema.description, ...tagsOf(schema, isOptional)], indent) + type;
};

/** Returns the fields of an object's schema, one a line, each under its documentation. */
export const fieldsOf = ({ properties = {}, required = [] }: JsonSchema, indent = "  "): string =>
  Object.entries(properties)
    .map(([name, schema]) =>
      fieldOf(name, typeof schema === "boolean" ? {} : schema, !required.includes(name), indent),
    )
    .join("");

/** Returns the declaration of an exported type: an interface for an object, else an alias. */
export const declarationOf = (name: string, schema: JsonSchema): string => {
  const comment = docComment([schema.description], "");
  return schema.type === "object" && schema.properties !== undefined
    ? `${comment}export interface ${name} {\n${fieldsOf(schema)}}\n`
    : `${comment}export type ${name} = ${typeOf(schema)};\n`;
};
