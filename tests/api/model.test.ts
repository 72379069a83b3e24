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
import { required } from "../support/setup/required.ts";
import { repeated, timeLimit, times } from "../support/setup/property.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { expectExactCounts } from "../support/setup/task-counts.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env: { LOG_LEVEL: "error" } });
});
afterAll(() => server.close());

const userCount = 5;
/** A sequence has up to 600 operations, 300 on average: 6 sequences have about 2,000. */
const sequences = times("MODEL_SEQUENCES", 6);
const [rest, rpc] = transports as [Transport, Transport];

const successStatusOf = (procedure: string, isNew: boolean): number => {
  if (/delete|remove/i.test(procedure)) return 204;
  return isNew ? 201 : 200;
};

/** Runs one operation on the server and on the model, and compares the responses. */
const runOnBoth = async (
  model: Model,
  users: readonly { id: string; token: string }[],
  current: Operation,
): Promise<void> => {
  const { procedure, isRest } = current;
  const user = users[current.userIndex];
  const input = inputOf(current, model, model.dataOf(user?.id ?? "anonymous"));
  const transport = isRest ? rest : rpc;
  const response = await transport.call(server.url, procedure, input, { token: user?.token });
  try {
    const expected = model.call(user?.id, procedure, { input, isRest, response: response.data });
    expectResponse(response, procedure, isRest, expected);
  } catch (cause) {
    const call = `${transport.name} ${procedure} ${JSON.stringify(input)}`;
    throw new Error(
      `User ${current.userIndex}: ${call} returned ${response.status} ${response.text}`,
      {
        cause,
      },
    );
  }
};

const expectResponse = (
  { status, data, error }: CallResponse,
  procedure: string,
  isRest: boolean,
  { code, field, isNew = false, data: expected }: ReturnType<Model["call"]>,
): void => {
  if (code === undefined) {
    const success = isRest ? successStatusOf(procedure, isNew) : 200;
    expect({ status, data, error }).toEqual({ status: success, data: expected });
    return;
  }
  const row = contractError(code);
  // VALIDATION_ERROR has no fixed sentence, but its sentence names the field.
  const detail = code === "VALIDATION_ERROR" ? expect.stringMatching(field ?? "") : row.detail;
  expect(status).toBe(row.status);
  expect({ code: error?.code, detail: error?.detail, field: error?.field }).toEqual({
    code,
    detail,
    field,
  });
};

test("random calls of five users over both transports get the responses of the reference model", async () => {
  let compared = 0;
  const property = fc.asyncProperty(
    fc.array(operation(userCount), { maxLength: 600, size: "max" }),
    async (operations) => {
      const users = await Promise.all(
        Array.from({ length: userCount }, () => signedInUser(server)),
      );
      const model = new Model();
      for (const current of operations) await runOnBoth(model, users, current);
      const runEach = async (userIndex: number, procedure: string, input?: unknown) => {
        for (const isRest of [true, false])
          await runOnBoth(model, users, { userIndex, isRest, procedure, input });
      };
      const runLists = async (userIndex: number) => {
        await runEach(userIndex, "tag.list");
        for (const status of ["all", "pending", "completed"])
          await runEach(userIndex, "task.list", { limit: 100, status });
      };
      await expectExactCounts(server.deps.orm);
      for (const userIndex of users.keys()) await runLists(userIndex);
      const [, ...others] = users.keys();
      const deleted = required(users[0], "the first user");
      const { status } = await deleted.call("auth.deleteAccount", { password: deleted.password });
      expect(status).toBe(204);
      for (const userIndex of others) await runLists(userIndex);
      await expectExactCounts(server.deps.orm);
      compared++;
    },
  );
  await fc.assert(property, {
    ...repeated,
    numRuns: sequences,
    unbiased: true,
    ...timeLimit(540_000),
  });
  expect(compared).toBeGreaterThan(0);
}, 600_000);

test("the generated operations include every procedure of tasks and tags", () => {
  const served = operationsOf(appRouter).map(({ name }) => name);
  expect(calledProcedures.toSorted()).toEqual(
    served.filter((name) => !name.startsWith("auth.")).toSorted(),
  );
});
