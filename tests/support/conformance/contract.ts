import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "yaml";
import { openApiDocument } from "@taskwire/server/rest/openapi.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";

type JsonObject = Record<string, unknown>;

/** An OpenAPI document, as far as tests read it. */
export interface OpenApi extends JsonObject {
  paths: Record<string, Record<string, JsonObject>>;
}

/** The project's own copy of the contract. */
export const contract: OpenApi = parse(
  readFileSync(join(import.meta.dirname, "../../contract/rest-v1.yaml"), "utf8"),
);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null;

/** The value that a JSON pointer such as #/components/schemas/Task names. */
const at = (document: OpenApi, pointer: string): unknown =>
  pointer
    .slice(2)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), document);

/** The same value with every $ref replaced by what it names. */
const dereference = (document: OpenApi, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => dereference(document, item));
  if (!isObject(value)) return value;
  if (typeof value["$ref"] === "string") return dereference(document, at(document, value["$ref"]));
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
  /** By status. */
  responses: Record<string, JsonObject>;
}

/** Every operation of a document, with path-level parameters merged in and $refs resolved. */
export const operationsIn = (document: OpenApi): ContractOperation[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method) => {
        const resolved = dereference(document, item[method]) as JsonObject;
        const shared = (dereference(document, item["parameters"]) as unknown[] | undefined) ?? [];
        const own = (resolved["parameters"] as unknown[] | undefined) ?? [];
        return {
          method: method.toUpperCase(),
          path,
          pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
          operation: { ...resolved, parameters: [...shared, ...own] },
          responses: resolved["responses"] as Record<string, JsonObject>,
        };
      }),
  );

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
const validators = new Map<unknown, ValidateFunction>();

const check = (schema: unknown, body: unknown): void => {
  const validate = validators.get(schema) ?? ajv.compile(schema as JsonObject);
  validators.set(schema, validate);
  if (!validate(body)) {
    throw new Error(
      `Not the contract's shape: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`,
    );
  }
};

// What the contract does not have is an addition, which the product's own document describes.
// The two are compared in tests/unit/openapi.test.ts.
const own = parse(JSON.stringify(openApiDocument(appRouter))) as OpenApi;
const operations = [...operationsIn(contract), ...operationsIn(own)];
const errorSchema = dereference(contract, { $ref: "#/components/schemas/Error" });

const schemaOf = (response: JsonObject): unknown =>
  at({ paths: {}, response }, "#/response/content/application~1json/schema");

/**
 * Fails unless a REST answer has a shape that the contract promises for its operation and status.
 * Statuses that only CONTRACT.md names (403, 405, 413, 415, 500, 503) have the error shape everywhere.
 */
export const assertContract = (
  method: string,
  path: string,
  answer: { status: number; contentType: string | null; body: unknown; text: string },
): void => {
  const known = operations.find((each) => each.method === method && each.pattern.test(path));
  const response = known?.responses[answer.status];
  if (response === undefined && answer.status < 400) {
    throw new Error(`The contract has no ${answer.status} for ${method} ${path}`);
  }
  const schema = response === undefined ? errorSchema : schemaOf(response);
  if (schema === undefined) {
    if (answer.text !== "" || answer.contentType !== null)
      throw new Error(`${method} ${path} must have no body`);
    return;
  }
  if (!answer.contentType?.startsWith("application/json")) {
    throw new Error(`${method} ${path} answered ${answer.contentType}, not application/json`);
  }
  check(schema, answer.body);
};
