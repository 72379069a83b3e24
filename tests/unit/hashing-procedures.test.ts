import { openApiDocument } from "@taskwire/server/rest/openapi.ts";
import { operationsOf, prefix } from "@taskwire/server/rest/operations.ts";
import { metaOf, proceduresOf } from "@taskwire/server/rpc/meta.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { describe, expect, test } from "vitest";

describe("every procedure whose meta says that it hashes a password", () => {
  const hashing = operationsOf(appRouter).filter(({ meta }) => meta.hashes !== undefined);

  test("has a REST operation: these four", () => {
    expect(hashing.map(({ name }) => name)).toEqual([
      "auth.register",
      "auth.login",
      "auth.changePassword",
      "auth.deleteAccount",
    ]);
    const all = proceduresOf(appRouter).filter(([, procedure]) => metaOf(procedure).hashes);
    expect(all).toHaveLength(hashing.length);
  });

  test.each(hashing.map((operation) => [operation.name, operation] as const))(
    "has a rate limit, and 429 in the OpenAPI document: %s",
    (_, { meta, rest: { path, method } }) => {
      expect(meta.limit).toBeDefined();
      const { paths } = openApiDocument(appRouter);
      expect(paths).toHaveProperty([prefix + path, method.toLowerCase(), "responses", "429"]);
    },
  );
});
