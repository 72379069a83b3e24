import { join } from "node:path";
import { codesOf } from "@taskwire/server/rest/codes.ts";
import { openApiDocument } from "@taskwire/server/rest/openapi.ts";
import { operationsOf } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { describe, expect, test } from "vitest";
import { contract, type OpenApi, operationsIn } from "../support/conformance/contract.ts";

// As a client gets it: through JSON.
const published = JSON.parse(JSON.stringify(openApiDocument(appRouter))) as OpenApi;

/**
 * Where a published value says less than the promised one. Objects may have more keys and lists more items;
 * what describes is prose, and may be worded otherwise.
 */
const losses = (promised: unknown, given: unknown, path = ""): string[] => {
  if (/\/(?:description|title|operationId)$/.test(path) && typeof given === "string") return [];
  if (Array.isArray(promised)) {
    if (!Array.isArray(given)) return [`${path}: no list`];
    const named = (item: unknown) => JSON.stringify(item);
    const isMatch = (item: unknown) => given.some((other) => losses(item, other).length === 0);
    return promised.filter((item) => !isMatch(item)).map((item) => `${path}: lacks ${named(item)}`);
  }
  if (typeof promised === "object" && promised !== null) {
    if (typeof given !== "object" || given === null) return [`${path}: not there`];
    return Object.entries(promised).flatMap(([key, value]) =>
      losses(value, (given as Record<string, unknown>)[key], `${path}/${key}`),
    );
  }
  return promised === given
    ? []
    : [`${path}: ${JSON.stringify(given)} instead of ${JSON.stringify(promised)}`];
};

test("the committed document is the one that is served; vitest -u writes it anew", async () => {
  await expect(`${JSON.stringify(published, null, 2)}\n`).toMatchFileSnapshot(
    join(import.meta.dirname, "../../server/openapi.json"),
  );
});

describe("what rest-v1.yaml promises", () => {
  const operations = new Map(
    operationsIn(published).map((each) => [`${each.method} ${each.path}`, each]),
  );

  const promised = operationsIn(contract);

  test.each(promised.map((each) => [`${each.method} ${each.path}`, each] as const))(
    "%s is published whole",
    (name, { operation }) => {
      expect(losses(operation, operations.get(name)?.operation)).toEqual([]);
    },
  );

  test("its security schemes, server and version are published", () => {
    const { openapi, info, security, components } = contract as OpenApi & {
      components: Record<string, unknown>;
    };
    expect(
      losses(
        { openapi, info, security, components: { securitySchemes: components["securitySchemes"] } },
        published,
      ),
    ).toEqual([]);
    expect(losses(contract["servers"], published["servers"])).toEqual([]);
  });

  test("a loss would be noticed", () => {
    expect(losses({ required: ["a", "b"] }, { required: ["a"] })).toEqual(['/required: lacks "b"']);
    expect(losses({ a: { type: "string" } }, { a: {} })).toHaveLength(1);
    expect(losses({ a: 1 }, { a: 1, b: 2 })).toEqual([]);
  });
});

describe("the codes of each operation", () => {
  test.each(operationsOf(appRouter).map((operation) => [operation.name, operation] as const))(
    "%s documents each code under its status",
    (_, operation) => {
      const { path, method } = operation.rest;
      const item = published.paths[`/api/v1${path}`]?.[method.toLowerCase()]?.["responses"];
      const responses = (item ?? {}) as Record<
        string,
        { content?: { "application/json": { examples?: object } } }
      >;
      const documented = Object.values(responses).flatMap(({ content }) =>
        Object.keys(content?.["application/json"].examples ?? {}),
      );
      expect(documented.toSorted()).toEqual(codesOf(operation).toSorted());
    },
  );

  test("come from the schema's rules, the base procedure and the service", () => {
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
