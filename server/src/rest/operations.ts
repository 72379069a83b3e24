import { type AnyTRPCProcedure, type AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { type Meta, metaOf, type RestMeta } from "../rpc/meta.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A procedure that REST serves too, with all that the adapter and the document need of it. */
export interface Operation {
  /** The procedure's path in the router, such as "auth.login". */
  name: string;
  procedure: AnyTRPCProcedure;
  rest: RestMeta;
  meta: Meta;
  /** The objects whose fields together are the input; none where the procedure takes no input. */
  inputs: readonly z.ZodObject[];
  output: z.ZodType;
  /** The input's fields under their REST names. */
  fields: Readonly<Record<string, JsonSchema>>;
}

/** Below which all of REST lives. */
export const prefix = "/api/v1";

/** Fills {names} of a path: with Fastify's spelling, or with values. */
export const fillPath = (path: string, fill: (name: string) => string): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => fill(name));

/** The object in a schema that may be left out. */
const objectIn = (schema: unknown): z.ZodObject => {
  if (schema instanceof z.ZodObject) return schema;
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return objectIn(schema.unwrap());
  throw new TypeError("A procedure that REST serves takes zod objects, or nothing");
};

const schemasOf = (procedure: AnyTRPCProcedure): Pick<Operation, "inputs" | "output"> => {
  // Not part of tRPC's public types, but all that a document can be made of; a test runs every procedure through here.
  const { inputs, output } = procedure._def as unknown as { inputs: unknown[]; output?: unknown };
  if (!(output instanceof z.ZodType)) {
    throw new TypeError("A procedure that REST serves declares its output");
  }
  return { inputs: inputs.map(objectIn), output };
};

/** What zod cannot spell, a custom check, has its spelling in the schema's meta. */
const toJsonSchema = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: "input", reused: "inline", unrepresentable: "any" });

const fieldsOf = (
  inputs: readonly z.ZodObject[],
  { fields = {}, hidden = [] }: RestMeta,
): Operation["fields"] =>
  Object.fromEntries(
    inputs.flatMap((input) =>
      Object.entries(toJsonSchema(input).properties ?? {}).flatMap(([name, schema]) =>
        typeof schema === "boolean" || hidden.includes(name)
          ? []
          : [[fields[name] ?? name, schema]],
      ),
    ),
  );

/** Every procedure with `meta.rest`, in the router's order. */
export const operationsOf = (router: AnyTRPCRouter): Operation[] =>
  Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>).flatMap(
    ([name, procedure]) => {
      const meta = metaOf(procedure);
      const { rest } = meta;
      if (rest === undefined) return [];
      const { inputs, output } = schemasOf(procedure);
      return [
        {
          name,
          procedure,
          rest,
          meta,
          inputs,
          output: rest.output ?? output,
          fields: fieldsOf(inputs, rest),
        },
      ];
    },
  );
