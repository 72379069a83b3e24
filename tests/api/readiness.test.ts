import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestServer } from "../support/setup/server.ts";
import { startWatched, type Statement } from "../support/setup/statement-recorder.ts";

let server: TestServer;
let statements: Statement[];
beforeAll(async () => {
  ({ server, statements } = await startWatched());
});
afterAll(() => server.close());

/** Sends 100 concurrent requests. Returns their different responses. */
const probe = async (): Promise<Set<string>> => {
  const responses = Array.from({ length: 100 }, async () => {
    const response = await fetch(`${server.url}/health/ready`);
    return `${response.status} ${await response.text()}`;
  });
  return new Set(await Promise.all(responses));
};

test("100 concurrent requests for readiness send one statement to the database, and later ones another after a second", async () => {
  const ready = new Set([
    '200 {"status":"ready","checks":{"database":"ok","migrations":"ok","draining":false}}',
  ]);
  const before = statements.length;
  expect(await probe()).toEqual(ready);
  expect(statements.length - before).toBe(1);
  server.clock.advance(0.999);
  expect(await probe()).toEqual(ready);
  expect(statements.length - before).toBe(1);
  server.clock.advance(0.001);
  expect(await probe()).toEqual(ready);
  expect(statements.length - before).toBe(2);
});

test("while a transaction is open, also on the one connection of an embedded database, the server is ready", async () => {
  const em = server.deps.orm.em.fork();
  await em.begin();
  server.clock.advance(1);
  const { status } = await fetch(`${server.url}/health/ready`);
  await em.rollback();
  expect(status).toBe(200);
});

test("a clock that is set back does not prolong the validity of a result", async () => {
  await probe();
  const before = statements.length;
  server.clock.advance(-3600);
  await probe();
  expect(statements.length - before).toBe(1);
});
