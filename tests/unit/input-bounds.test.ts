import { appRouter } from "@taskwire/server/rpc/router.ts";
import { proceduresOf } from "@taskwire/server/rpc/meta.ts";
import { schemasOf } from "@taskwire/server/rest/operations.ts";
import { importedUser } from "@taskwire/server/services/user-import.ts";
import { expect, test } from "vitest";
import { z } from "zod";

/** Above the maximum of every field: a password has 1,024 code points, a cursor 2,048 characters and two quotes. */
const maxLength = 2100;

const length = 100_000;
const fill = (start: string, unit: string, end = ""): string =>
  start + unit.repeat(Math.ceil(length / unit.length)) + end;

/** Texts of at least 100,000 characters, plain and in the format of each kind of field. */
const longTexts: readonly string[] = [
  fill("", "x"),
  fill("", "\u{1F389}"),
  fill("", "%"),
  fill("", "0", "1"),
  fill("", "9"),
  fill("#", "F"),
  fill("-", "title"),
  fill("", "x", "@example.com"),
  fill("a@", "b.", "com"),
  fill("FREQ=DAILY;INTERVAL=", "0", "1"),
  fill("FREQ=DAILY;BYHOUR=1", ",1"),
  fill("2030-01-01T00:00:00.", "0", "Z"),
  fill("$2b$10$", "a"),
  fill("", " "),
  fill("", " ", "x"),
  fill("00000000-0000-4000-8000-000000000000", "0"),
];

const isZodType = (schema: unknown): schema is z.ZodType => schema instanceof z.ZodType;

/** Returns the schema inside one that may be omitted, null or replaced. */
const unwrapped = (schema: z.ZodType): z.ZodType => {
  const { def } = schema;
  return "innerType" in def && isZodType(def.innerType) ? unwrapped(def.innerType) : schema;
};

/** Returns each field of a schema that is no object or list itself, with its path. */
const fieldsOf = (schema: z.ZodType, path: string): [path: string, z.ZodType][] => {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject)
    return Object.entries<unknown>(inner.shape).flatMap(([name, field]) =>
      isZodType(field) ? fieldsOf(field, `${path}.${name}`) : [],
    );
  if (inner instanceof z.ZodArray && isZodType(inner.element))
    return fieldsOf(inner.element, `${path}[]`);
  return [[path, schema]];
};

/** Returns whether a schema accepts a long text and does not shorten it. */
const keepsLongText = (schema: z.ZodType): boolean =>
  longTexts.some((text) => {
    const { success, data } = schema.safeParse(text);
    return success && JSON.stringify(data).length > maxLength;
  });

const inputs: [name: string, schema: z.ZodType][] = [
  ...proceduresOf(appRouter).flatMap(([name, procedure]) =>
    schemasOf(procedure).inputs.map((schema): [string, z.ZodType] => [name, schema]),
  ),
  ["import-users", importedUser],
];

test("the check finds a field without a bound, also inside an object, a list and an optional field", () => {
  const schema = z
    .object({ a: z.object({ b: z.string().optional() }), c: z.array(z.string().trim()).nullish() })
    .prefault({ a: {} });
  const unbounded = fieldsOf(schema, "x").filter(([, field]) => keepsLongText(field));
  expect(unbounded.map(([path]) => path)).toEqual(["x.a.b", "x.c[]"]);
});

test("no field of an input keeps a text of 100,000 characters", () => {
  const fields = inputs.flatMap(([name, schema]) => fieldsOf(schema, name));
  expect(fields.length).toBeGreaterThan(30);
  const unbounded = fields.filter(([, schema]) => keepsLongText(schema)).map(([path]) => path);
  expect(unbounded).toEqual([]);
});
