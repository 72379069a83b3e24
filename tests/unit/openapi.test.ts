import { globSync } from "node:fs";
import { brunoFolder, generatedFiles, root } from "@taskwire/server/codegen/files.ts";
import { codesOf } from "@taskwire/server/rest/codes.ts";
import { referencedName, toJsonSchema } from "@taskwire/server/rest/json-schema.ts";
import { openApiDocument } from "@taskwire/server/rest/openapi.ts";
import { namesInPath, operationsOf } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { describe, expect, test } from "vitest";
import { contract, type OpenApi, operationsIn } from "../support/conformance/contract.ts";
import { contractError } from "../support/docs/error-table.ts";

// As JSON, which is what a client receives.
const published = JSON.parse(JSON.stringify(openApiDocument(appRouter))) as OpenApi;

/**
 * Returns what the contract's value has and the published value lacks. Objects may have more keys and lists more items;
 * descriptions, titles and operation ids may differ.
 */
const missingParts = (expected: unknown, actual: unknown, path = ""): string[] => {
  if (/\/(?:description|title|operationId)$/.test(path) && typeof actual === "string") return [];
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [`${path}: not a list`];
    const isMatch = (item: unknown) =>
      actual.some((other) => missingParts(item, other).length === 0);
    return expected
      .filter((item) => !isMatch(item))
      .map((item) => `${path}: lacks ${JSON.stringify(item)}`);
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof actual !== "object" || actual === null) return [`${path}: missing`];
    return Object.entries(expected).flatMap(([key, value]) =>
      // Any object can be read by any key.
      missingParts(value, (actual as Record<string, unknown>)[key], `${path}/${key}`),
    );
  }
  return expected === actual
    ? []
    : [`${path}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`];
};

/** Returns a copy of JSON without any key `default`. */
const withoutDefaults = <Value>(value: Value): Value =>
  JSON.parse(JSON.stringify(value), (key, item: unknown) => (key === "default" ? undefined : item));

interface Server {
  url: string;
  variables?: Record<string, { default: string }>;
}

/** Returns the URL of a server with the defaults of its variables. */
const urlOf = ({ url, variables = {} }: Server): string =>
  url.replaceAll(/\{(\w+)\}/g, (_, name: string) => variables[name]?.default ?? "");

describe("`pnpm generate` has been run:", () => {
  test.each(generatedFiles(appRouter).map((file) => [file.name, file] as const))(
    "%s equals what the router generates",
    async (_, { path, text }) => {
      await expect(text).toMatchFileSnapshot(path);
    },
  );
});

test("the Bruno collection has no other file than the generated ones", () => {
  const generated = generatedFiles(appRouter).map(({ name }) => name);
  const present = globSync(`${brunoFolder}/**/*.{bru,json}`, { cwd: root });
  expect(present.toSorted()).toEqual(
    generated.filter((name) => name.startsWith(`${brunoFolder}/`)).toSorted(),
  );
});

describe("everything in rest-v1.yaml is in the published document:", () => {
  const operations = new Map(
    operationsIn(published).map((each) => [`${each.method} ${each.path}`, each]),
  );

  // The contract's default of `completed` would make generated clients send it with each patch, and so untick the task.
  const expected = operationsIn(contract);
  const withException = (operation: Record<string, unknown>) =>
    operation["operationId"] === "updateTask" ? withoutDefaults(operation) : operation;

  test.each(expected.map((each) => [`${each.method} ${each.path}`, each] as const))(
    "%s",
    (name, { operation }) => {
      expect(missingParts(withException(operation), operations.get(name)?.operation)).toEqual([]);
    },
  );

  test("the security schemes, server and version", () => {
    const { openapi, info, security, components } = contract as OpenApi & {
      components: Record<string, unknown>;
    };
    expect(
      missingParts(
        { openapi, info, security, components: { securitySchemes: components["securitySchemes"] } },
        published,
      ),
    ).toEqual([]);
    const servers = (document: OpenApi) => (document["servers"] as Server[]).map(urlOf);
    expect(servers(published)).toEqual(expect.arrayContaining(servers(contract)));
  });

  test("the comparison reports a missing item or key, and accepts an additional key", () => {
    expect(missingParts({ required: ["a", "b"] }, { required: ["a"] })).toEqual([
      '/required: lacks "b"',
    ]);
    expect(missingParts({ a: { type: "string" } }, { a: {} })).toHaveLength(1);
    expect(missingParts({ a: 1 }, { a: 1, b: 2 })).toEqual([]);
  });
});

describe("the error codes", () => {
  test.each(operationsOf(appRouter).map((operation) => [operation.name, operation] as const))(
    "of %s are documented completely, each under its status in CONTRACT.md",
    (_, operation) => {
      const { path, method } = operation.rest;
      const item = published.paths[`/api/v1${path}`]?.[method.toLowerCase()]?.["responses"];
      const responses = (item ?? {}) as Record<
        string,
        { content?: { "application/json": { examples?: object } } }
      >;
      const documented = Object.entries(responses).flatMap(([status, { content }]) =>
        Object.keys(content?.["application/json"].examples ?? {}).map(
          (code) => `${status} ${code}`,
        ),
      );
      const expected = codesOf(operation).map((code) => `${contractError(code).status} ${code}`);
      expect(documented.toSorted()).toEqual(expected.toSorted());
    },
  );

  test("of auth.register include those of schema rules, base procedure and service", () => {
    const register = operationsOf(appRouter).find(({ name }) => name === "auth.register");
    expect(register && codesOf(register)).toEqual(
      expect.arrayContaining([
        "INVALID_EMAIL",
        "PASSWORD_TOO_SHORT",
        "EMAIL_ALREADY_EXISTS",
        "RATE_LIMIT_EXCEEDED",
      ]),
    );
  });
});

test("a patch has no default, so that a generated client leaves out what its caller does", () => {
  const { schemas } = published["components"] as { schemas: Record<string, object> };
  expect(schemas["TaskPatch"]).toEqual(withoutDefaults(schemas["TaskPatch"]));
  expect(schemas["TaskCreate"]).toMatchObject({ properties: { completed: { default: false } } });
});

describe("Swagger UI prefills a valid example", () => {
  const withInput = operationsOf(appRouter).filter(({ inputs }) => inputs.length > 0);

  test.each(withInput.map((operation) => [operation.name, operation] as const))(
    "of every parameter in the path, and of the body: %s",
    (_, { rest, inputs, fields }) => {
      const examplesOf = ({ examples: [example] = [] }: { examples?: unknown[] }) => example;
      const names = namesInPath(rest.path);
      const path = [...names].map((name) => [name, examplesOf(fields[name] ?? {})]);
      const bodies = inputs.map((input) => {
        const { schema, components } = toJsonSchema(input, "input");
        return examplesOf(components[referencedName(schema) ?? ""] ?? schema);
      });
      const form = Object.entries(fields).map(([name, field]) => {
        const own = Object.entries(rest.fieldNames).find(([, wireName]) => wireName === name);
        return [own?.[0] ?? name, examplesOf(field)];
      });
      const values = Object.assign(
        {},
        ...bodies,
        Object.fromEntries(rest.body === "form" ? form : path),
      );
      expect(bodies.filter((body) => body !== undefined)).toHaveLength(
        rest.body === "json" ? 1 : 0,
      );
      for (const input of inputs) expect(input.safeParse(values)).toMatchObject({ success: true });
    },
  );
});

const tokenUrl = "/api/v1/auth/login";

test("the sign-in of Swagger UI posts to an operation of the document, as a form", () => {
  expect(published).toMatchObject({
    components: { securitySchemes: { passwordFlow: { flows: { password: { tokenUrl } } } } },
    paths: {
      [tokenUrl]: {
        post: { requestBody: { content: { "application/x-www-form-urlencoded": {} } } },
      },
    },
  });
});
