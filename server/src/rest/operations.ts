import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { type Meta, metaOf, proceduresOf, type RestMeta } from "../rpc/meta.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** How REST spells a procedure: its meta, and what follows from that and from the schemas. */
interface RestSpelling extends Omit<RestMeta, "route" | "responses" | "form"> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below /api/v1, with {name} for a path parameter. */
  path: string;
  /** The group of the documentation that lists it. */
  tag: string;
  /** The status of success, and its meaning. */
  status: 200 | 201 | 204;
  success: string;
  /** The meaning of 200, where that says that the call changed nothing. */
  unchanged: string | undefined;
  /** How the input travels; undefined for path and query only. */
  body: "json" | "form" | undefined;
  fieldNames: Readonly<Record<string, string>>;
}

/** A procedure that REST serves, with what the adapter and the document need of it. */
export interface Operation {
  /** The procedure's path in the router, such as "auth.login". */
  name: string;
  procedure: AnyTRPCProcedure;
  rest: RestSpelling;
  meta: Meta;
  /** The objects whose fields together are the input; empty where the procedure takes no input. */
  inputs: readonly z.ZodObject[];
  output: z.ZodType;
  /** The input's fields under their REST names. */
  fields: Readonly<Record<string, JsonSchema>>;
}

/** The path of the REST transport. */
export const prefix = "/api/v1";

/** Fills {names} of a path: with Fastify's spelling, or with values. */
export const fillPath = (path: string, fill: (name: string) => string): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => fill(name));

/** The names in braces of a path. */
export const namesInPath = (path: string): Set<string> =>
  new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name));

/** The contract's names of groups; any other is the path's first segment. */
const tags: Partial<Record<string, string>> = { auth: "Authentication" };

const tagOf = (path: string): string => {
  const [, segment = ""] = path.split("/");
  return tags[segment] ?? segment.charAt(0).toUpperCase() + segment.slice(1);
};

/** The object in a schema that may be omitted. */
const objectIn = (schema: unknown): z.ZodObject => {
  if (schema instanceof z.ZodObject) return schema;
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return objectIn(schema.unwrap());
  throw new TypeError("A procedure that REST serves takes zod objects, or nothing");
};

const schemasOf = (procedure: AnyTRPCProcedure): Pick<Operation, "inputs" | "output"> => {
  // Not part of tRPC's public types, and the only source for a document; a test runs every procedure through here.
  const { inputs, output } = procedure._def as unknown as { inputs: unknown[]; output?: unknown };
  if (!(output instanceof z.ZodType)) {
    throw new TypeError("A procedure that REST serves declares its output");
  }
  return { inputs: inputs.map(objectIn), output };
};

const spellingOf = (
  { route, responses, form, fieldNames = {}, ...rest }: RestMeta,
  inputs: readonly z.ZodObject[],
): RestSpelling => {
  // The type of `route` has exactly one space, after the method.
  const [method, path] = route.split(" ") as [RestSpelling["method"], string];
  const status = ([201, 204, 200] as const).find((each) => responses[each] !== undefined);
  if (status === undefined) throw new TypeError(`${route} declares no response`);
  const inPath = namesInPath(path);
  const isInBody = (name: string) => method !== "GET" && method !== "DELETE" && !inPath.has(name);
  const hasBody = inputs.some((input) => Object.keys(input.shape).some(isInBody));
  return {
    ...rest,
    method,
    path,
    tag: tagOf(path),
    status,
    success: responses[status] ?? "",
    unchanged: status === 200 ? undefined : responses[200],
    body: hasBody ? (form ? "form" : "json") : undefined,
    fieldNames,
  };
};

/** A field of a custom check, which zod cannot describe, has its JSON Schema in its own meta. */
const toJsonSchema = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: "input", reused: "inline", unrepresentable: "any" });

const fieldsOf = (
  inputs: readonly z.ZodObject[],
  { fieldNames, hidden = [] }: RestSpelling,
): Operation["fields"] =>
  Object.fromEntries(
    inputs.flatMap((input) =>
      Object.entries(toJsonSchema(input).properties ?? {}).flatMap(([name, schema]) =>
        typeof schema === "boolean" || hidden.includes(name)
          ? []
          : [[fieldNames[name] ?? name, schema]],
      ),
    ),
  );

/** Every procedure with `meta.rest`, in the router's order. */
export const operationsOf = (router: AnyTRPCRouter): Operation[] =>
  proceduresOf(router).flatMap(([name, procedure]) => {
    const meta = metaOf(procedure);
    if (meta.rest === undefined) return [];
    const { inputs, output } = schemasOf(procedure);
    const rest = spellingOf(meta.rest, inputs);
    const fields = fieldsOf(inputs, rest);
    return [{ name, procedure, rest, meta, inputs, output: rest.output ?? output, fields }];
  });
