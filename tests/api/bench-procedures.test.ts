import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exchangeOf, operationNames, rest, trpc } from "../bench/procedures/calls.ts";
import { assertOutput } from "../bench/procedures/compare.ts";
import { procedures } from "../bench/procedures/router.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ router: procedures });
});
afterAll(() => server.close());

describe.each([
  { name: "REST", protocol: rest("/api/v1"), operations: operationNames.slice(0, 3) },
  { name: "tRPC", protocol: trpc, operations: operationNames },
])("the procedures of `pnpm bench --peers` over $name", ({ name, protocol, operations }) => {
  test.each(operations)("%s returns what every server has to", async (operation) => {
    const exchange = exchangeOf(operation, protocol);
    expect(exchange).toBeDefined();
    if (exchange !== undefined) await assertOutput({ name, url: server.url }, exchange);
  });
});

test("an output that differs stops the comparison", async () => {
  const exchange = exchangeOf("hello", trpc);
  expect(exchange).toBeDefined();
  if (exchange === undefined) return;
  const other = { ...exchange, expected: () => ({ message: "Hello" }) };
  await expect(assertOutput({ name: "tRPC", url: server.url }, other)).rejects.toThrow(
    "GET /trpc/hello",
  );
});
