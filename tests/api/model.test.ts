import fc from "fast-check";
import { operationsOf } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { contractError } from "../support/docs/error-table.ts";
import { type CallResponse, type Transport, transports } from "../support/client/transports.ts";
import { Model } from "../support/model/model.ts";
import {
  calledProcedures,
  inputOf,
  operation,
  type Operation,
} from "../support/model/operations.ts";
import { repeated, times } from "../support/setup/property.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env: { LOG_LEVEL: "error" } });
});
afterAll(() => server.close());

const people = 5;
/** Each sequence has up to 600 operations, 300 on average: 6 of them are about 2,000. */
const sequences = times("MODEL_SEQUENCES", 6);
const [rest, rpc] = transports as [Transport, Transport];

const successOf = (procedure: string, isNew: boolean): number => {
  if (/delete|remove/i.test(procedure)) return 204;
  return isNew ? 201 : 200;
};

/** Does one operation on the product and on the model, and compares all that both say. */
const step = async (
  model: Model,
  users: readonly { id: string; token: string }[],
  chosen: Operation,
): Promise<void> => {
  const { procedure, isRest } = chosen;
  const user = users[chosen.by];
  const input = inputOf(chosen, model, model.of(user?.id ?? "nobody"));
  const transport = isRest ? rest : rpc;
  const answer = await transport.call(server.url, procedure, input, { token: user?.token });
  try {
    const expected = model.call(user?.id, procedure, { input, isRest, answer: answer.data });
    expectAnswer(answer, procedure, isRest, expected);
  } catch (cause) {
    const call = `${transport.name} ${procedure} ${JSON.stringify(input)}`;
    throw new Error(`User ${chosen.by}: ${call}, answered ${answer.status} ${answer.text}`, {
      cause,
    });
  }
};

const expectAnswer = (
  { status, data, error }: CallResponse,
  procedure: string,
  isRest: boolean,
  { code, field, isNew = false, data: expected }: ReturnType<Model["call"]>,
): void => {
  if (code === undefined) {
    const success = isRest ? successOf(procedure, isNew) : 200;
    expect({ status, data, error }).toEqual({ status: success, data: expected });
    return;
  }
  const row = contractError(code);
  // This code alone has a sentence for each fault, which names the field.
  const detail = code === "VALIDATION_ERROR" ? expect.stringMatching(field ?? "") : row.detail;
  expect(status).toBe(row.status);
  expect({ code: error?.code, detail: error?.detail, field: error?.field }).toEqual({
    code,
    detail,
    field,
  });
};

test("whatever several users do, each sees what a model of the contract has for them", async () => {
  let steps = 0;
  const property = fc.asyncProperty(
    fc.array(operation(people), { maxLength: 600, size: "max" }),
    async (operations) => {
      const users = await Promise.all(Array.from({ length: people }, () => signedInUser(server)));
      const model = new Model();
      for (const chosen of operations) await step(model, users, chosen);
      for (let by = 0; by < people; by++) {
        for (const isRest of [true, false]) {
          await step(model, users, { by, isRest, procedure: "tag.list", input: undefined });
          await step(model, users, { by, isRest, procedure: "task.list", input: { limit: 100 } });
        }
      }
      steps += operations.length;
    },
  );
  await fc.assert(property, {
    ...repeated,
    numRuns: sequences,
    unbiased: true,
    // Shrinking a failure ends here, with the shortest sequence so far.
    interruptAfterTimeLimit: 90_000,
  });
  expect(steps).toBeGreaterThan(sequences * 100);
}, 120_000);

test("the operations call every procedure of tasks and tags", () => {
  const served = operationsOf(appRouter).map(({ name }) => name);
  expect(calledProcedures.toSorted()).toEqual(
    served.filter((name) => !name.startsWith("auth.")).toSorted(),
  );
});
