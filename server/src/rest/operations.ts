import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { type Meta, metaOf, proceduresOf, type RestMeta } from "../rpc/meta.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** How REST serves a procedure: its meta, and what follows from that and from the schemas. */
interface RestMapping extends Omit<RestMeta, "route" | "responses" | "form"> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below /api/v1, with {name} for a path parameter. */
  path: string;
  /** The group in the documentation. */
  tag: string;
  /** The status of success. */
  status: 200 | 201 | 204;
  /** The description of that status. */
  success: string;
  /** The description of 200, where that status means that the call changed nothing. */
  unchanged: string | undefined;
  /** The encoding of the body; undefined if the input is in path and query only. */
  body: "json" | "form" | undefined;
  /** The REST names of input fields that have another name there. */
  fieldNames: Readonly<Record<string, string>>;
}

/** A procedure that REST serves, with what the adapter and the document need to know of it. */
export interface Operation {
  /** The procedure's path in the router, such as "auth.login". */
  name: string;
  procedure: AnyTRPCProcedure;
  rest: RestMapping;
  meta: Meta;
  /** The objects whose fields together are the input; empty for a procedure without input. */
  inputs: readonly z.ZodObject[];
  /** The output that REST publishes. */
  output: z.ZodType;
  /** The input's fields under their REST names. */
  fields: Readonly<Record<string, JsonSchema>>;
}

/** The path of the REST transport. */
export const prefix = "/api/v1";

/** Replaces each {name} of a path with the result of `fill`. */
export const fillPath = (path: string, fill: (name: string) => string): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => fill(name));

/** Returns the names of a path's parameters. */
export const namesInPath = (path: string): Set<string> =>
  new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name));

/** Tags that the contract names otherwise than after the path's first segment. */
const tags: Partial<Record<string, string>> = { auth: "Authentication" };

const tagOf = (path: string): string => {
  const [, segment = ""] = path.split("/");
  return tags[segment] ?? segment.charAt(0).toUpperCase() + segment.slice(1);
};

/** Returns the object schema inside one that may be omitted. */
const objectIn = (schema: z.ZodType): z.ZodObject => {
  if (schema instanceof z.ZodObject) return schema;
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    const inner = schema.unwrap();
    if (inner instanceof z.ZodType) return objectIn(inner);
  }
  throw new TypeError("Each input of a procedure that REST serves must be a zod object");
};

/**
 * Returns the schemas that a procedure declares.
 * @throws {TypeError} if it declares no output
 */
export const schemasOf = (
  procedure: AnyTRPCProcedure,
): { inputs: readonly z.ZodType[]; output: z.ZodType } => {
  // tRPC omits the parsers from its public type; every input of this project is a zod schema, as its output must be.
  const { inputs, output } = procedure._def as unknown as { inputs: z.ZodType[]; output?: unknown };
  if (!(output instanceof z.ZodType))
    throw new TypeError("Every procedure must declare its output");
  return { inputs, output };
};

const mappingOf = (
  { route, responses, form, fieldNames = {}, ...rest }: RestMeta,
  inputs: readonly z.ZodObject[],
): RestMapping => {
  // The type of `route` has exactly one space, after the method.
  const [method, path] = route.split(" ") as [RestMapping["method"], string];
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

const fieldsOf = (
  inputs: readonly z.ZodObject[],
  { fieldNames, hidden = [] }: RestMapping,
): Operation["fields"] =>
  Object.fromEntries(
    inputs.flatMap((input) => {
      // A custom check is unrepresentable; the field's own meta has its JSON Schema then.
      const { properties = {} } = z.toJSONSchema(input, {
        io: "input",
        reused: "inline",
        unrepresentable: "any",
      });
      return Object.entries(properties).flatMap(([name, schema]) =>
        typeof schema === "boolean" || hidden.includes(name)
          ? []
          : [[fieldNames[name] ?? name, schema]],
      );
    }),
  );

/** Returns every procedure with `meta.rest`, in the router's order. */
export const operationsOf = (router: AnyTRPCRouter): Operation[] =>
  proceduresOf(router).flatMap(([name, procedure]) => {
    const meta = metaOf(procedure);
    if (meta.rest === undefined) return [];
    const { inputs: schemas, output } = schemasOf(procedure);
    const inputs = schemas.map(objectIn);
    const rest = mappingOf(meta.rest, inputs);
    const fields = fieldsOf(inputs, rest);
    return [{ name, procedure, rest, meta, inputs, output: rest.output ?? output, fields }];
  });
