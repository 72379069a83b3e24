import { type ErrorCode, errors } from "@taskwire/shared";
import type { AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { statusOf } from "../rpc/translate-error.ts";
import { codesOf } from "./codes.ts";
import { info, servers, tagDescriptions } from "./descriptions.ts";
import { type JsonObject, type JsonSchema, toJsonSchema } from "./json-schema.ts";
import { namesInPath, type Operation, operationsOf, prefix } from "./operations.ts";

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
      schema: { $ref: "#/components/schemas/Error" },
      examples: Object.fromEntries(
        codes.map((code) => [code, { value: { detail: errors[code].detail, code } }]),
      ),
    },
  },
});

const mediaTypes = { json: "application/json", form: "application/x-www-form-urlencoded" } as const;

const securityOf = ({ meta }: Operation): JsonObject[] => {
  if (meta.auth === "access") return [{ bearerAuth: [] }, { passwordFlow: [] }];
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
      const parameter: JsonObject = {
        in: isInPath ? "path" : "query",
        name,
        required: isInPath,
        schema,
      };
      if (description !== undefined) parameter["description"] = description;
      // Swagger UI prefills it. Not those of a query: a prefilled filter would hide tasks.
      if (isInPath && schema.examples !== undefined) parameter["example"] = schema.examples[0];
      return parameter;
    });
};

/** Converts a schema, and adds the components that it refers to. */
type Converter = (schema: z.ZodType, io: "input" | "output") => JsonSchema;

/** Returns the body's schema: the input without path parameters; inline if REST renames its fields, else by reference. */
const bodyOf = (operation: Operation, convert: Converter): JsonObject => {
  const { rest, inputs, fields } = operation;
  const inPath = namesInPath(rest.path);
  const body = inputs.find((input) => !Object.keys(input.shape).some((name) => inPath.has(name)));
  if (body === undefined) {
    throw new TypeError(`${operation.name} needs an input of its own for the fields of the body`);
  }
  if (Object.keys(rest.fieldNames).length === 0) return convert(body, "input");
  const { required = [] } = z.toJSONSchema(body, { io: "input" });
  return {
    type: "object",
    required: required.map((name) => rest.fieldNames[name] ?? name),
    properties: fields,
  };
};

const describe = (operation: Operation, convert: Converter): JsonObject => {
  const { rest, output } = operation;
  const parameters = parametersOf(operation);
  const content =
    rest.status === 204
      ? {}
      : { content: { "application/json": { schema: convert(output, "output") } } };
  const codesByStatus = Map.groupBy(codesOf(operation), statusOf);
  return {
    operationId: rest.operationId,
    summary: rest.summary,
    description: rest.description,
    tags: [rest.tag],
    security: securityOf(operation),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(rest.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [mediaTypes[rest.body]]: { schema: bodyOf(operation, convert) } },
          },
        }),
    responses: {
      [rest.status]: { description: rest.success, ...headersOf(operation), ...content },
      ...(rest.unchanged === undefined ? {} : { 200: { description: rest.unchanged, ...content } }),
      ...Object.fromEntries(
        [...codesByStatus].map(([status, codes]) => [status, errorResponse(status, codes)]),
      ),
    },
  };
};

/** Returns the OpenAPI 3.1 document of a router, derived from its meta, its schemas and the error table. */
export const openApiDocument = (router: AnyTRPCRouter): JsonObject => {
  const operations = operationsOf(router);
  const schemas: Record<string, JsonSchema> = {};
  const convert: Converter = (zodSchema, io) => {
    const { schema, components } = toJsonSchema(zodSchema, io);
    Object.assign(schemas, components);
    return schema;
  };
  const paths: Record<string, JsonObject> = {};
  for (const operation of operations) {
    const { method, path } = operation.rest;
    (paths[prefix + path] ??= {})[method.toLowerCase()] = describe(operation, convert);
  }
  return {
    openapi: "3.1.0",
    info,
    servers,
    tags: [...new Set(operations.map(({ rest }) => rest.tag))].map((name) => ({
      name,
      description: tagDescriptions[name] ?? `Operations on ${name.toLowerCase()}`,
    })),
    security: [{ bearerAuth: [] }, { passwordFlow: [] }],
    paths,
    components: {
      securitySchemes: {
        bearerAuth: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "The access token of a sign-in",
        },
        refreshCookie: {
          type: "apiKey",
          in: "cookie",
          name: "refresh_token",
          description: "The refresh token, which sign-in sets as a cookie",
        },
        // The same token, by a way in which Swagger UI can sign in. Its dialog sets the focus to the last scheme.
        passwordFlow: {
          type: "oauth2",
          description: "Signs in with e-mail address and password, and sends the access token",
          flows: { password: { tokenUrl: `${prefix}/auth/login`, scopes: {} } },
        },
      },
      schemas: { ...schemas, Error: errorSchema },
    },
  };
};
