import type { AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { schemasOf } from "../rest/operations.ts";
import { metaOf, proceduresOf } from "../rpc/meta.ts";

/** Above the maximum of every text. */
const maxProbed = 10_000;

/** A text of a length: of any characters, and an e-mail address. */
const fills: readonly ((length: number) => string)[] = [
  (length) => "x".repeat(length),
  (length) => `${length % 2 === 0 ? "a" : "aa"}@${"b.".repeat(Math.max(0, length - 3) / 2)}c`,
];

const isKept = (schema: z.ZodType, value: unknown): boolean =>
  schema.safeParse(value).data === value;

/** Returns the maximum from `low` to `high` that a schema keeps as `fill` writes it, if it keeps all smaller ones. */
const maxKept = (
  schema: z.ZodType,
  [low, high]: [number, number],
  fill: (size: number) => unknown,
): number => {
  let [kept, beyond] = [low, high + 1];
  while (beyond - kept > 1) {
    const middle = Math.floor((kept + beyond) / 2);
    if (isKept(schema, fill(middle))) kept = middle;
    else beyond = middle;
  }
  return kept;
};

/** Returns the code of the error if a schema rejects a value, or else what it counts as. */
const outcomeOf = (schema: z.ZodType, value: unknown): string => {
  const { success, data, error } = schema.safeParse(value);
  if (!success) {
    const [issue] = error.issues;
    const code: unknown = issue?.code === "custom" ? issue.params?.["code"] : undefined;
    return `\`${typeof code === "string" ? code : "VALIDATION_ERROR"}\``;
  }
  if (data === "") return "counts as the empty text";
  return typeof data === "string" ? "the rest is ignored" : `counts as ${String(data)}`;
};

const digits = (value: number): string => value.toLocaleString("en-US");

/** What a field accepts, and what happens to another value. */
type Bounds = readonly [bounds: string, otherwise: string];

const boundsOfNumber = (schema: z.ZodType): Bounds => {
  const min = schema.safeParse(-1).success ? 1 : [0, 1].find((value) => isKept(schema, value));
  if (min === undefined) throw new TypeError("A number has no known minimum");
  const max = maxKept(schema, [min, Number.MAX_SAFE_INTEGER - 1], Number);
  const outcomes = [min - 1, max + 1].map((value) => outcomeOf(schema, value));
  const hasMax = max < Number.MAX_SAFE_INTEGER - 1;
  const [below = "", above = ""] = hasMax ? outcomes : outcomes.slice(0, 1);
  return [
    hasMax ? `an integer from ${min} to ${digits(max)}` : `an integer from ${min}`,
    above === "" || above === below ? below : `${below}; a larger one ${above}`,
  ];
};

const boundsOfText = (schema: z.ZodType): Bounds => {
  for (const fill of fills) {
    const min = [0, 1, 6, 8].find((length) => isKept(schema, fill(length)));
    if (min === undefined) continue;
    const max = maxKept(schema, [min, maxProbed], fill);
    if (max === maxProbed) throw new TypeError("A text has no maximum length");
    const isAddress = fill !== fills[0];
    const longer = outcomeOf(schema, fill(max + 1));
    if (isAddress) return [`an e-mail address, at most ${digits(max)} characters`, longer];
    if (min === 0) return [`at most ${digits(max)} characters`, longer];
    const shorter = outcomeOf(schema, fill(min - 1));
    const otherwise = shorter === longer ? longer : `${longer}; a shorter one ${shorter}`;
    return [`${min} to ${digits(max)} characters`, otherwise];
  }
  throw new TypeError("A text has a format without a name");
};

/** The formats of JSON Schema whose texts have no other bounds. */
const formats: Partial<Record<string, string>> = {
  "date-time": "an ISO 8601 date-time in the years 1 to 9999",
  uuid: "a UUID",
};

/** Returns what a field accepts, by trying values: so it is the schema's own answer. */
const boundsOf = (schema: z.ZodType): Bounds => {
  const inner = (type: z.ZodType): z.ZodType =>
    "innerType" in type.def && type.def.innerType instanceof z.ZodType
      ? inner(type.def.innerType)
      : type;
  const { $defs = {}, ...json } = z.toJSONSchema(inner(schema), {
    io: "input",
    unrepresentable: "any",
  });
  // A schema with an id is a reference to its own definition.
  const {
    type,
    format,
    pattern,
    enum: values,
  } = json.$ref === undefined ? json : ($defs[json.$ref.slice("#/$defs/".length)] ?? json);
  const other = outcomeOf(schema, "\u{1F389}");
  if (values !== undefined)
    return [values.map((value) => `\`${String(value)}\``).join(", "), other];
  if (type === "boolean") return ["`true` or `false`", outcomeOf(schema, "")];
  if (type === "integer" || type === "number") return boundsOfNumber(schema);
  const named = formats[format ?? ""];
  if (named !== undefined) return [named, other];
  if (pattern !== undefined) return [`matches \`${pattern}\``, other];
  if (type !== "string") throw new TypeError(`No bounds are known of the type ${String(type)}`);
  return boundsOfText(schema);
};

/** Returns each field of a procedure's inputs. */
const fieldsOf = (inputs: readonly z.ZodType[]): [name: string, schema: z.ZodType][] =>
  inputs.flatMap((input) => {
    const object = input instanceof z.ZodPrefault ? input.unwrap() : input;
    if (!(object instanceof z.ZodObject)) throw new TypeError("An input must be an object");
    return Object.entries<z.ZodType>(object.shape);
  });

/** Prints a table as the formatter does. */
const printTable = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[], fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |\n`;
  const [head = [], ...body] = rows;
  return [
    line(head),
    line(
      head.map(() => "-"),
      "-",
    ),
    ...body.map((row) => line(row)),
  ].join("");
};

/** Returns the table of what each input field of a router's procedures accepts. */
export const fieldLimits = (router: AnyTRPCRouter): string => {
  const rows = new Map<string, { cells: readonly string[]; procedures: string[] }>();
  for (const [path, procedure] of proceduresOf(router)) {
    const { fieldNames = {} } = metaOf(procedure).rest ?? {};
    for (const [name, schema] of fieldsOf(schemasOf(procedure).inputs)) {
      const restName = fieldNames[name];
      const also = restName === undefined ? "" : ` (REST: \`${restName}\`)`;
      const cells = [`\`${name}\`${also}`, ...boundsOf(schema)];
      const row = rows.get(cells.join()) ?? { cells, procedures: [] };
      rows.set(cells.join(), row);
      row.procedures.push(`\`${path}\``);
    }
  }
  return printTable([
    ["Field", "Accepted", "Otherwise", "Procedures"],
    ...[...rows.values()].map(({ cells, procedures }) => cells.concat(procedures.join(", "))),
  ]);
};
