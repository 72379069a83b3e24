import { errorCodes, errors } from "@taskwire/shared";
import { codesOf } from "@taskwire/server/rest/codes.ts";
import { operationsOf, prefix } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Exchange, exchanges } from "../support/conformance/exchanges.ts";
import { promised } from "../support/conformance/promises.ts";
import { newWorld, type Place, startPlace } from "../support/conformance/worlds.ts";
import { contractError, contractErrors } from "../support/docs/error-table.ts";
import { expectError } from "../support/client/expect-error.ts";
import { type CallResponse, type Transport, transports } from "../support/client/transports.ts";
import type { TestServer } from "../support/setup/server.ts";

const [rest] = transports as [Transport];
const operations = operationsOf(appRouter);

const places: readonly Place[] = ["healthy", "strict", "broken", "away"];
const servers = new Map<Place, TestServer>();
beforeAll(async () => {
  for (const place of places) servers.set(place, await startPlace(place));
});
afterAll(() => Promise.all([...servers.values()].map((server) => server.close())));

const statusOf = ({ answers }: Exchange): number =>
  typeof answers === "number" ? answers : contractError(answers).status;

/** "GET /api/v1/tasks" and what it answers, as text, to be looked up. */
const shown = new Set(
  exchanges.flatMap((each) => {
    const operation = operations.find(({ name }) => name === each.procedure);
    const path = `${operation?.rest.method} ${prefix}${operation?.rest.path}`;
    return [`${path} ${statusOf(each)}`, `${path} ${each.answers}`, String(each.answers)];
  }),
);

const missing = (needed: readonly string[]): string[] => needed.filter((each) => !shown.has(each));

describe("an exchange shows", () => {
  test("every status that rest-v1.yaml names for an operation", () => {
    expect(missing(promised.map(({ operation, status }) => `${operation} ${status}`))).toEqual([]);
  });

  test("every code that rest-v1.yaml names for an operation", () => {
    const named = promised.flatMap(({ operation, codes }) =>
      codes.map((code) => `${operation} ${code}`),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(missing(named)).toEqual([]);
  });

  test("every code that CONTRACT.md names", () => {
    expect(missing(contractErrors.map(({ code }) => code))).toEqual([]);
  });

  test("every code that the published document names for an operation", () => {
    const named = operations.flatMap((operation) =>
      codesOf(operation).map(
        (code) => `${operation.rest.method} ${prefix}${operation.rest.path} ${code}`,
      ),
    );
    expect(missing(named)).toEqual([]);
  });
});

test("the product's error table is the contract's", () => {
  expect(errorCodes.toSorted()).toEqual(contractErrors.map(({ code }) => code).toSorted());
  for (const { code, detail } of contractErrors.filter(
    ({ code: each }) => each !== "VALIDATION_ERROR",
  ))
    expect(errors).toMatchObject({ [code]: { detail } });
});

const expectAnswer = (answer: CallResponse, expected: Exchange["answers"]): void => {
  if (typeof expected === "number") expect(answer).toMatchObject({ status: expected });
  else expectError(answer, contractError(expected).status, expected);
};

describe.each(exchanges.map((each) => [each.procedure, each.answers, each] as const))(
  "%s",
  (procedure, answers, { place, times, input, options, spoil }) => {
    test(`answers ${answers}`, async () => {
      const server = servers.get(place);
      if (server === undefined) throw new Error(`Nothing is ${place}`);
      const world = await newWorld(place, server);
      const request = rest.request(procedure, await input(world), options(world));
      let answer = await rest.send(server.url, spoil(request));
      for (let i = 1; i < times; i++) answer = await rest.send(server.url, spoil(request));
      // Sending has held the answer against rest-v1.yaml.
      expectAnswer(answer, answers);
    });
  },
);
