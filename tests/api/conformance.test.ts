import { errorCodes, errors } from "@taskwire/shared";
import { codesOf } from "@taskwire/server/rest/codes.ts";
import { operationsOf, prefix } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentedResponses } from "../support/conformance/documented-responses.ts";
import {
  createEnvironment,
  type ServerState,
  startServerInState,
} from "../support/conformance/environments.ts";
import { type Exchange, exchanges } from "../support/conformance/exchanges.ts";
import { contractError, contractErrors } from "../support/docs/error-table.ts";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, type Transport, transports } from "../support/client/transports.ts";
import type { TestServer } from "../support/setup/server.ts";

const [rest] = transports as [Transport];
const operations = operationsOf(appRouter);

const serverStates: readonly ServerState[] = [
  "healthy",
  "strict",
  "limited",
  "broken",
  "unavailable",
];
const servers = new Map<ServerState, TestServer>();
beforeAll(async () => {
  for (const state of serverStates) servers.set(state, await startServerInState(state));
});
afterAll(() => Promise.all([...servers.values()].map((server) => server.close())));

const statusOf = ({ expected }: Exchange): number =>
  typeof expected === "number" ? expected : contractError(expected).status;

/** The exchanges as keys: "GET /api/v1/tasks 200", "GET /api/v1/tasks INVALID_STATUS", "INVALID_STATUS". */
const covered = new Set(
  exchanges.flatMap((each) => {
    const operation = operations.find(({ name }) => name === each.procedure);
    const path = `${operation?.rest.method} ${prefix}${operation?.rest.path}`;
    return [`${path} ${statusOf(each)}`, `${path} ${each.expected}`, String(each.expected)];
  }),
);

const uncovered = (keys: readonly string[]): string[] => keys.filter((key) => !covered.has(key));

describe("the exchanges below cover", () => {
  test("every status that rest-v1.yaml documents for an operation", () => {
    expect(
      uncovered(documentedResponses.map(({ operation, status }) => `${operation} ${status}`)),
    ).toEqual([]);
  });

  test("every error code that rest-v1.yaml documents for an operation", () => {
    const documented = documentedResponses.flatMap(({ operation, codes }) =>
      codes.map((code) => `${operation} ${code}`),
    );
    expect(documented.length).toBeGreaterThan(5);
    expect(uncovered(documented)).toEqual([]);
  });

  test("every error code of the table in CONTRACT.md", () => {
    expect(uncovered(contractErrors.map(({ code }) => code))).toEqual([]);
  });

  test("every error code that the server's own OpenAPI document lists for an operation", () => {
    const published = operations.flatMap((operation) =>
      codesOf(operation).map(
        (code) => `${operation.rest.method} ${prefix}${operation.rest.path} ${code}`,
      ),
    );
    expect(uncovered(published)).toEqual([]);
  });
});

test("the server's error table has the codes and sentences of CONTRACT.md", () => {
  expect(errorCodes.toSorted()).toEqual(contractErrors.map(({ code }) => code).toSorted());
  for (const { code, detail } of contractErrors.filter(
    ({ code: each }) => each !== "VALIDATION_ERROR",
  ))
    expect(errors).toMatchObject({ [code]: { detail } });
});

const expectResponse = (response: CallResponse, expected: Exchange["expected"]): void => {
  if (typeof expected === "number") expect(response).toMatchObject({ status: expected });
  else expectError(response, contractError(expected).status, expected);
};

describe.each(exchanges.map((each) => [each.procedure, each.expected, each] as const))(
  "%s",
  (procedure, expected, { serverState, times, input, options, modify }) => {
    test(`returns ${expected} with a body as in rest-v1.yaml`, async () => {
      const server = servers.get(serverState);
      if (server === undefined) throw new Error(`No ${serverState} server`);
      const environment = await createEnvironment(serverState, server);
      const request = rest.request(procedure, await input(environment), options(environment));
      let response = await rest.send(server.url, modify(request));
      for (let i = 1; i < times; i++) response = await rest.send(server.url, modify(request));
      // rest.send has already compared the body with rest-v1.yaml.
      expectResponse(response, expected);
    });
  },
);
