import { type ErrorCode, errors } from "@taskwire/shared";
import type { AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { statusOf } from "../rpc/translate-error.ts";
import { codesOf } from "./codes.ts";
import { namesInPath, type Operation, operationsOf, prefix } from "./operations.ts";

type JsonObject = Record<string, unknown>;

const schemaRef = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

const errorSchema = {
  type: "object",
  required: ["detail", "code"],
  properties: {
    detail: { type: "string", description: "A sentence for people" },
    code: { type: "string", enum: Object.keys(errors), description: "What programs decide by" },
    field: { type: ["string", "null"], description: "The first offending field" },
  },
};

const errorResponse = (status: number, codes: readonly ErrorCode[]): JsonObject => ({
  description: codes.join(", "),
  ...(status === 429 || status === 503
    ? {
        headers: { "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } } },
      }
    : {}),
  content: {
    "application/json": {
      schema: schemaRef("Error"),
      examples: Object.fromEntries(
        codes.map((code) => [code, { value: { detail: errors[code].detail, code } }]),
      ),
    },
  },
});

const mediaTypes = { json: "application/json", form: "application/x-www-form-urlencoded" } as const;

const securityOf = ({ meta }: Operation): JsonObject[] => {
  if (meta.auth === "access") return [{ bearerAuth: [] }];
  return meta.auth === "refresh" ? [{ refreshCookie: [] }] : [];
};

const headersOf = ({ rest }: Operation): JsonObject =>
  rest.headers === undefined
    ? {}
    : {
        headers: Object.fromEntries(
          rest.headers.map((name) => [name, { schema: { type: "string" } }]),
        ),
      };

const parametersOf = (operation: Operation): JsonObject[] => {
  const inPath = namesInPath(operation.rest.path);
  return Object.entries(operation.fields)
    .filter(([name]) => inPath.has(name) || operation.rest.body === undefined)
    .map(([name, { description, ...schema }]) => {
      const isInPath = inPath.has(name);
      const place = { in: isInPath ? "path" : "query", name, required: isInPath, schema };
      return description === undefined ? place : Object.assign(place, { description });
    });
};

/** The body's schema: the input that is not in the path, by reference where REST spells its fields as they are. */
const bodyOf = (operation: Operation, schemaOf: (schema: z.ZodType) => JsonObject): JsonObject => {
  const { rest, inputs, fields } = operation;
  const inPath = namesInPath(operation.rest.path);
  const body = inputs.find((input) => !Object.keys(input.shape).some((name) => inPath.has(name)));
  if (body === undefined)
    throw new TypeError(`${operation.name} takes a body, but has no input for it`);
  if (Object.keys(rest.fieldNames).length === 0) return schemaOf(body);
  const { required = [] } = z.toJSONSchema(body, { io: "input" });
  return {
    type: "object",
    required: required.map((name) => rest.fieldNames[name] ?? name),
    properties: fields,
  };
};

const describe = (
  operation: Operation,
  schemaOf: (schema: z.ZodType) => JsonObject,
): JsonObject => {
  const { rest, output } = operation;
  const parameters = parametersOf(operation);
  const success =
    rest.status === 204 ? {} : { content: { "application/json": { schema: schemaOf(output) } } };
  const errorStatuses = Map.groupBy(codesOf(operation), statusOf);
  return {
    operationId: rest.operationId,
    summary: rest.summary,
    tags: [rest.tag],
    security: securityOf(operation),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(rest.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [mediaTypes[rest.body]]: { schema: bodyOf(operation, schemaOf) } },
          },
        }),
    responses: {
      [rest.status]: { description: rest.success, ...headersOf(operation), ...success },
      ...(rest.unchanged === undefined ? {} : { 200: { description: rest.unchanged, ...success } }),
      ...Object.fromEntries(
        [...errorStatuses].map(([status, codes]) => [status, errorResponse(status, codes)]),
      ),
    },
  };
};

/** Writes "a string or null" as the contract does: one schema with two types, not a choice of two schemas. */
const mergeNull = (schema: z.core.JSONSchema.BaseSchema): void => {
  const [value, nothing, ...rest] = schema.anyOf ?? [];
  if (typeof value !== "object" || typeof nothing !== "object" || rest.length > 0) return;
  if (nothing.type !== "null" || typeof value.type !== "string") return;
  delete schema.anyOf;
  // JSON Schema takes a list of types here, which zod's type leaves out.
  Object.assign(schema, value, { type: [value.type, "null"] });
};

/** Every schema with an id, once for each direction that uses it; an id is used in one direction only. */
const componentsOf = (operations: readonly Operation[]) => {
  const schemas: Record<string, JsonObject> = {};
  const schemaOf =
    (io: "input" | "output") =>
    (schema: z.ZodType): JsonObject => {
      const {
        $schema: _,
        $defs = {},
        ...rest
      } = z.toJSONSchema(schema, {
        io,
        unrepresentable: "any",
        override: ({ jsonSchema }) => {
          // Open objects: a client must not trip over a field that a later version adds.
          delete jsonSchema.additionalProperties;
          mergeNull(jsonSchema);
        },
      });
      const toRef = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
      for (const [name, definition] of Object.entries($defs)) {
        const { id: _id, ...plain } = toRef(definition) as JsonObject;
        schemas[name] = plain;
      }
      return toRef(rest) as JsonObject;
    };
  const paths: Record<string, JsonObject> = {};
  for (const operation of operations) {
    const { method, path } = operation.rest;
    const described = describe(operation, (schema) =>
      schemaOf(schema === operation.output ? "output" : "input")(schema),
    );
    (paths[prefix + path] ??= {})[method.toLowerCase()] = described;
  }
  return { paths, schemas };
};

/** The OpenAPI 3.1 document of a router: from the meta, the schemas and the error table, nothing written twice. */
export const openApiDocument = (router: AnyTRPCRouter): JsonObject => {
  const operations = operationsOf(router);
  const { paths, schemas } = componentsOf(operations);
  return {
    openapi: "3.1.0",
    info: { title: "Todo backend REST API", version: "1.0.0" },
    servers: [{ url: "/", description: "This server" }, { url: "http://localhost:8000" }],
    tags: [...new Set(operations.map(({ rest }) => rest.tag))].map((name) => ({ name })),
    security: [{ bearerAuth: [] }],
    paths,
    components: {
      securitySchemes: {
        bearerAuth: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        refreshCookie: { type: "apiKey", in: "cookie", name: "refresh_token" },
      },
      schemas: { ...schemas, Error: errorSchema },
    },
  };
};
