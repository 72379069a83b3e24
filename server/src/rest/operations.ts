import { type AnyTRPCProcedure, type AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import type { Meta, RestMeta } from "../rpc/meta.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A procedure that REST serves too, with all that the adapter and the document need of it. */
export interface Operation {
  /** The procedure's path in the router, such as "auth.login". */
  name: string;
  procedure: AnyTRPCProcedure;
  rest: RestMeta;
  meta: Meta;
  /** Nothing where the procedure takes no input. */
  input: z.ZodObject | undefined;
  output: z.ZodType;
  /** The input's fields under their REST names. */
  fields: Readonly<Record<string, JsonSchema>>;
}

/** Below which all of REST lives. */
export const prefix = "/api/v1";

/** Fills {names} of a path: with Fastify's spelling, or with values. */
export const fillPath = (path: string, fill: (name: string) => string): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => fill(name));

const metaOf = (procedure: AnyTRPCProcedure): Meta =>
  // Every procedure comes from the builders of rpc/trpc.ts, whose meta has this type.
  (procedure._def.meta as Meta | undefined) ?? {};

const schemasOf = (procedure: AnyTRPCProcedure): { input?: z.ZodObject; output: z.ZodType } => {
  // Not part of tRPC's public types, but all that a document can be made of; a test runs every procedure through here.
  const { inputs, output } = procedure._def as unknown as { inputs: unknown[]; output?: unknown };
  const [input] = inputs;
  if (inputs.length > 1 || (input !== undefined && !(input instanceof z.ZodObject))) {
    throw new TypeError("A procedure that REST serves takes one zod object, or nothing");
  }
  if (!(output instanceof z.ZodType))
    throw new TypeError("A procedure that REST serves declares its output");
  return input === undefined ? { output } : { input, output };
};

const fieldsOf = (
  input: z.ZodObject | undefined,
  names: RestMeta["fields"] = {},
): Record<string, JsonSchema> => {
  if (input === undefined) return {};
  const { properties = {} } = z.toJSONSchema(input, { io: "input", reused: "inline" });
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, schema]) =>
      typeof schema === "boolean" ? [] : [[names[name] ?? name, schema]],
    ),
  );
};

/** Every procedure with `meta.rest`, in the router's order. */
export const operationsOf = (router: AnyTRPCRouter): Operation[] =>
  Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>).flatMap(
    ([name, procedure]) => {
      const meta = metaOf(procedure);
      const { rest } = meta;
      if (rest === undefined) return [];
      const { input, output } = schemasOf(procedure);
      return [{ name, procedure, rest, meta, input, output, fields: fieldsOf(input, rest.fields) }];
    },
  );
