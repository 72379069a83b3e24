import { type JsonObject, type JsonSchema, referencedName } from "../rest/json-schema.ts";

/** The parts of an operation of the OpenAPI document that the collection needs. */
interface DocumentedOperation {
  method: string;
  path: string;
  operationId: string;
  summary: string;
  description: string;
  tags: readonly string[];
  security: readonly object[];
  parameters?: readonly {
    in: "path" | "query";
    name: string;
    example?: unknown;
    schema: JsonSchema;
  }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
}

interface Document {
  info: { title: string };
  servers: readonly { url: string; variables?: Record<string, { default: string }> }[];
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, JsonSchema> };
}

/** They end the session or the account that all other calls need. */
const last = ["deleteAccount", "logoutUser"];

/** Accounts, sign-in and what the other calls need first; then by what a call leaves behind, deletions from the inside out. */
const rankOf = ({ operationId, method, path }: DocumentedOperation): number => {
  if (last.includes(operationId)) return 100 + last.indexOf(operationId);
  if (method === "delete") return 50 - path.split("/").length;
  return method === "post" && !path.includes("{") ? 0 : 1;
};

/** Returns the operations of an OpenAPI document in an order in which each one succeeds with its example. */
export const operationsInOrder = (document: JsonObject): DocumentedOperation[] => {
  // rest/openapi.ts has written it.
  const { paths } = document as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) =>
      Object.assign({}, operation, { method, path }),
    ),
  );
  return operations.toSorted((one, other) => rankOf(one) - rankOf(other));
};

/** Prints a block of the Bru language. */
const block = (name: string, lines: readonly string[], [open, close] = ["{", "}"]): string =>
  `${name} ${open}\n${lines
    .flatMap((line) => line.split("\n"))
    .map((line) => `  ${line}\n`)
    .join("")}${close}\n`;

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");

const pairs = (values: object): string[] =>
  Object.entries(values).map(([name, value]) => `${name}: ${textOf(value)}`);

const bodyTypes: Partial<Record<string, string>> = {
  "application/json": "json",
  "application/x-www-form-urlencoded": "form-urlencoded",
};

/** Prints the collection's requests, whose examples, ids and tokens come from the document. */
class Requests {
  readonly #schemas: Record<string, JsonSchema>;

  constructor({ components }: Document) {
    this.#schemas = components.schemas;
  }

  #resolve(schema: JsonSchema): JsonSchema {
    return this.#schemas[referencedName(schema) ?? ""] ?? schema;
  }

  #exampleOf(schema: JsonSchema): unknown {
    const { examples, properties = {} } = this.#resolve(schema);
    if (examples?.[0] !== undefined) return examples[0];
    return Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [
        name,
        typeof field === "boolean" ? undefined : field.examples?.[0],
      ]),
    );
  }

  /** Returns the variables that later requests need: the token of a sign-in, and the id of a created row. */
  #variablesOf({ method, path, security, responses }: DocumentedOperation): Record<string, string> {
    const schemas = Object.entries(responses).flatMap(([status, { content = {} }]) =>
      Number(status) < 300 ? Object.values(content).map(({ schema }) => schema) : [],
    );
    const variables: Record<string, string> = {};
    for (const schema of schemas) {
      const { properties = {} } = this.#resolve(schema);
      if ("access_token" in properties) variables["access_token"] = "res.body.access_token";
      const isRow = security.length > 0 && "id" in properties;
      if (isRow && method === "post" && !path.includes("{"))
        variables[`${(referencedName(schema) ?? "").toLowerCase()}_id`] = "res.body.id";
    }
    return variables;
  }

  print(operation: DocumentedOperation, sequence: number): string {
    const { method, path, parameters = [], security, requestBody, responses } = operation;
    const query = parameters.filter((each) => each.in === "query");
    const enabled = query.filter(({ schema }) => schema.default !== undefined);
    const search = enabled.map(({ name, schema }) => `${name}=${textOf(schema.default)}`);
    const url = `{{baseUrl}}${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
    const [content] = Object.entries(requestBody?.content ?? {});
    const body = bodyTypes[content?.[0] ?? ""] ?? "none";
    const hasToken = security.some((each) => "bearerAuth" in each);
    const variables = this.#variablesOf(operation);
    const statuses = Object.keys(responses).filter((status) => Number(status) < 300);
    const example = this.#exampleOf(content?.[1].schema ?? {});
    const inPath = parameters.filter((each) => each.in === "path");
    const queryLines = query.map(({ name, schema: field }) =>
      field.default === undefined
        ? // A tilde disables it.
          `~${name}: ${textOf(field.examples?.[0] ?? field.enum?.[0] ?? "")}`
        : `${name}: ${textOf(field.default)}`,
    );
    return [
      block("meta", [
        `name: ${operation.summary}`,
        "type: http",
        `seq: ${sequence}`,
        `tags: [\n${operation.tags.map((tag) => `  ${tag}\n`).join("")}]`,
      ]),
      block(method, [
        `url: ${[url, search.join("&")].filter((part) => part !== "").join("?")}`,
        `body: ${body === "form-urlencoded" ? "formUrlEncoded" : body}`,
        `auth: ${hasToken ? "bearer" : "none"}`,
      ]),
      ...(queryLines.length === 0 ? [] : [block("params:query", queryLines)]),
      ...(inPath.length === 0
        ? []
        : [
            block(
              "params:path",
              inPath.map(({ name }) => `${name}: {{${name}}}`),
            ),
          ]),
      ...(hasToken ? [block("auth:bearer", ["token: {{access_token}}"])] : []),
      ...(body === "json" ? [block("body:json", [JSON.stringify(example, null, 2)])] : []),
      ...(body === "form-urlencoded"
        ? [block("body:form-urlencoded", pairs(Object(example)))]
        : []),
      ...(Object.keys(variables).length === 0
        ? []
        : [block("vars:post-response", pairs(variables))]),
      block("assert", [`res.status: in [${statuses.join(", ")}]`]),
      block("docs", [operation.description]),
    ].join("\n");
  }
}

/** Returns the Bruno collection of an OpenAPI document: the text of each file by its name. */
export const brunoCollection = (openApi: JsonObject): Record<string, string> => {
  // rest/openapi.ts has written it.
  const document = openApi as unknown as Document;
  const operations = operationsInOrder(openApi);
  const requests = new Requests(document);
  const local = document.servers.find(({ variables }) => variables !== undefined);
  const baseUrl = (local?.url ?? "").replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => local?.variables?.[name]?.default ?? "",
  );
  const ids = operations
    .flatMap(({ parameters = [] }) => parameters)
    .flatMap(({ name, example }) => (example === undefined ? [] : [[name, example] as const]));
  return {
    "bruno.json": `${JSON.stringify({ version: "1", name: document.info.title, type: "collection" }, null, 2)}\n`,
    "environments/local.bru": block("vars", pairs({ baseUrl, ...Object.fromEntries(ids) })),
    ...Object.fromEntries(
      operations.map((operation, index) => [
        `${operation.operationId}.bru`,
        requests.print(operation, index + 1),
      ]),
    ),
  };
};
