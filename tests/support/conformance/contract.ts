import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "yaml";
import { openApiDocument } from "@taskwire/server/rest/openapi.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";

type JsonObject = Record<string, unknown>;

/** The parts of an OpenAPI document that the tests read. */
export interface OpenApi extends JsonObject {
  paths: Record<string, Record<string, JsonObject>>;
}

/** The contract's OpenAPI document. */
export const contract: OpenApi = parse(
  readFileSync(join(import.meta.dirname, "../../contract/rest-v1.yaml"), "utf8"),
);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null;

/** Returns the value at a JSON pointer, such as #/components/schemas/Task. */
const resolvePointer = (document: OpenApi, pointer: string): unknown =>
  pointer
    .slice(2)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), document);

/** Returns a copy of the value with every $ref replaced by its target. */
const dereference = (document: OpenApi, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => dereference(document, item));
  if (!isObject(value)) return value;
  if (typeof value["$ref"] === "string")
    return dereference(document, resolvePointer(document, value["$ref"]));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, dereference(document, item)]),
  );
};

const methods = ["get", "post", "put", "patch", "delete"] as const;

export interface ContractOperation {
  method: string;
  path: string;
  pattern: RegExp;
  operation: JsonObject;
  /** Response objects by status. */
  responses: Record<string, JsonObject>;
}

/** Returns every operation of a document, with path-level parameters merged in and every $ref resolved. */
export const operationsIn = (document: OpenApi): ContractOperation[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method) => {
        const resolved = dereference(document, item[method]) as JsonObject;
        const pathLevel =
          (dereference(document, item["parameters"]) as unknown[] | undefined) ?? [];
        const operationLevel = (resolved["parameters"] as unknown[] | undefined) ?? [];
        return {
          method: method.toUpperCase(),
          path,
          pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
          operation: { ...resolved, parameters: [...pathLevel, ...operationLevel] },
          responses: resolved["responses"] as Record<string, JsonObject>,
        };
      }),
  );

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
const validators = new Map<unknown, ValidateFunction>();

const assertSchema = (schema: unknown, body: unknown): void => {
  const validate = validators.get(schema) ?? ajv.compile(schema as JsonObject);
  validators.set(schema, validate);
  if (!validate(body)) {
    throw new Error(
      `Response body violates the contract: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`,
    );
  }
};

// Operations that the contract lacks are additions, described by the server's own document.
// tests/unit/openapi.test.ts compares the two documents.
const published = parse(JSON.stringify(openApiDocument(appRouter))) as OpenApi;
const operations = [...operationsIn(contract), ...operationsIn(published)];
const errorSchema = dereference(contract, { $ref: "#/components/schemas/Error" });

const schemaOf = (response: JsonObject): unknown =>
  resolvePointer({ paths: {}, response }, "#/response/content/application~1json/schema");

/**
 * Throws unless a REST response conforms to the contract's schema for its operation and status.
 * Statuses that only CONTRACT.md lists (403, 405, 413, 415, 500, 503) must have an error body on every operation.
 */
export const assertContract = (
  method: string,
  path: string,
  response: { status: number; contentType: string | null; body: unknown; text: string },
): void => {
  const operation = operations.find((each) => each.method === method && each.pattern.test(path));
  const documented = operation?.responses[response.status];
  if (documented === undefined && response.status < 400) {
    throw new Error(`The contract has no status ${response.status} for ${method} ${path}`);
  }
  const schema = documented === undefined ? errorSchema : schemaOf(documented);
  if (schema === undefined) {
    if (response.text !== "" || response.contentType !== null)
      throw new Error(`${method} ${path} must have no body`);
    return;
  }
  if (!response.contentType?.startsWith("application/json")) {
    throw new Error(`${method} ${path} returned ${response.contentType}, not application/json`);
  }
  assertSchema(schema, response.body);
};
