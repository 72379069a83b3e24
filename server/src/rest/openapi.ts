import { type ErrorCode, errors } from "@taskwire/shared";
import type { AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { statusOf } from "../rpc/translate.ts";
import { type Operation, operationsOf, prefix } from "./operations.ts";

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

/** A schema's codes, wherever a rule in it names one (see `rule` in @taskwire/shared). */
const codesIn = (schema: z.core.$ZodType, seen = new Set<z.core.$ZodType>()): ErrorCode[] => {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const { def } = schema._zod;
  const own = (def.checks ?? []).flatMap(({ _zod }) => {
    // A refinement keeps its params in its definition; other checks have none.
    const { params } = _zod.def as { params?: { code?: ErrorCode } };
    return params?.code === undefined ? [] : [params.code];
  });
  const children = [
    ...(schema instanceof z.ZodObject ? Object.values<z.core.$ZodType>(schema.shape) : []),
    ...("innerType" in def && def.innerType instanceof z.ZodType ? [def.innerType] : []),
  ];
  return [...own, ...children.flatMap((child) => codesIn(child, seen))];
};

/** Every code that an operation can answer, by what it says of itself. */
export const codesOf = ({ meta, input, rest }: Operation): ErrorCode[] => {
  const codes: ErrorCode[] = [
    ...(meta.auth === "access"
      ? (["MISSING_TOKEN", "TOKEN_EXPIRED", "INVALID_TOKEN", "INVALID_TOKEN_TYPE"] as const)
      : []),
    ...(meta.auth === "refresh"
      ? ([
          "MISSING_REFRESH_TOKEN",
          "REFRESH_TOKEN_EXPIRED",
          "INVALID_TOKEN",
          "INVALID_TOKEN_TYPE",
        ] as const)
      : []),
    ...(meta.sameOrigin ? (["FORBIDDEN_ORIGIN"] as const) : []),
    ...(meta.limit === undefined ? [] : (["RATE_LIMIT_EXCEEDED"] as const)),
    ...(input === undefined ? [] : (["VALIDATION_ERROR"] as const)),
    ...(rest.body === undefined ? [] : (["UNSUPPORTED_MEDIA_TYPE"] as const)),
    ...(input === undefined ? [] : codesIn(input)),
    ...(meta.throws ?? []),
    ...(rest.method === "GET" ? [] : (["PAYLOAD_TOO_LARGE"] as const)),
    "INTERNAL_ERROR",
    "SERVICE_UNAVAILABLE",
  ];
  return [...new Set(codes)];
};

const refusal = (status: number, codes: readonly ErrorCode[]): JsonObject => ({
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

const describe = (
  operation: Operation,
  schemaOf: (schema: z.ZodType) => JsonObject,
): JsonObject => {
  const { rest, input, output, fields } = operation;
  const inPath = (name: string) => rest.path.includes(`{${name}}`);
  const required = new Set(
    input === undefined ? [] : (z.toJSONSchema(input, { io: "input" }).required ?? []),
  );
  const wireName = (name: string) => rest.fields?.[name] ?? name;

  const parameters = Object.entries(fields)
    .filter(([name]) => inPath(name) || rest.body === undefined)
    .map(([name, schema]) => ({
      in: inPath(name) ? "path" : "query",
      name,
      required: inPath(name),
      schema,
    }));

  const bodyFields = Object.entries(fields).filter(([name]) => !inPath(name));
  const wholeBody = input !== undefined && rest.fields === undefined && parameters.length === 0;
  const body = wholeBody
    ? schemaOf(input)
    : {
        type: "object",
        required: [...required].map(wireName).filter((name) => !inPath(name)),
        properties: Object.fromEntries(bodyFields),
      };

  const refusals = Map.groupBy(codesOf(operation), statusOf);
  return {
    operationId: rest.operationId,
    summary: rest.summary,
    tags: [rest.tag],
    security: securityOf(operation),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(rest.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { [mediaTypes[rest.body]]: { schema: body } } },
        }),
    responses: {
      [rest.status]: {
        description: rest.success,
        ...headersOf(operation),
        ...(rest.status === 204
          ? {}
          : { content: { "application/json": { schema: schemaOf(output) } } }),
      },
      ...Object.fromEntries(
        [...refusals].map(([status, codes]) => [status, refusal(status, codes)]),
      ),
    },
  };
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
        // Open objects: a client must not trip over a field that a later version adds.
        override: ({ jsonSchema }) => delete jsonSchema.additionalProperties,
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
      schemaOf(schema === operation.input ? "input" : "output")(schema),
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
