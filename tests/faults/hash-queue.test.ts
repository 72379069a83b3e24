import { request } from "node:http";
import { createHashSlots } from "@taskwire/server/security/hash-slots.ts";
import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type Transport, transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

let server: TestServer;
beforeAll(async () => {
  // Less than the real cost of a hash, so that a full queue is empty again long before any call's deadline.
  const cost = { memoryCost: 8192, timeCost: 2, parallelism: 1 };
  server = await startServer({ passwords: await createPasswordHashing(cost, createHashSlots(1)) });
});
afterAll(() => server.close());

/** The slots of a server that runs one hash at a time: that hash, and 64 sign-ins that wait. */
const slots = 65;

const credentials = { email: "unknown@example.com", password: "wrong horse battery" };

/** Signs in on a connection of its own, which the test may close before the response. */
const startSignIn = (transport: Transport) => {
  const { method, path, headers, body } = transport.request("auth.login", credentials);
  const outgoing = request(`${server.url}${path}`, { method, headers, agent: false });
  const { promise: rejected, resolve } = Promise.withResolvers<void>();
  outgoing.on("response", ({ statusCode }) => statusCode === 503 && resolve());
  outgoing.on("error", () => {});
  outgoing.end(body);
  return { rejected, disconnect: () => void outgoing.destroy() };
};

describe.each(transports)("over $name", (transport) => {
  const signIn = () => transport.call(server.url, "auth.login", credentials);

  /** Fills the queue, and returns the connections. */
  const fillQueue = async () => {
    const clients = Array.from({ length: slots * 3 }, () => startSignIn(transport));
    await Promise.race(clients.map(({ rejected }) => rejected));
    return clients;
  };

  test("clients that disconnect free their slots at once", async () => {
    const clients = await fillQueue();
    for (const { disconnect } of clients) disconnect();
    // When this responds, the server has seen them disconnect; a sign-in would wait until the queue is empty anyway.
    await fetch(`${server.url}/health`);
    const responses = await Promise.all(Array.from({ length: slots }, signIn));
    expect(countOutcomes(responses)["INVALID_CREDENTIALS"]).toBeGreaterThan(slots * 0.9);
  });

  test("while the queue is full, a sign-in is rejected with 503 before its input is validated", async () => {
    const clients = await fillQueue();
    const unread = await transport.call(server.url, "auth.login", {});
    expectError(unread, 503, "SERVICE_UNAVAILABLE");
    for (const { disconnect } of clients) disconnect();
    await fetch(`${server.url}/health`);
    expectError(await transport.call(server.url, "auth.login", {}), 422, "VALIDATION_ERROR");
  });

  test("while the queue is full, sign-ins are rejected with 503 and Retry-After, and queued ones get 401", async () => {
    const responses = await Promise.all(Array.from({ length: slots * 3 }, signIn));
    const rejected = responses.filter(({ status }) => status === 503);
    // Slots become free while the others arrive, and the last hash of the previous test may still run.
    expect(rejected.length).toBeGreaterThan(slots);
    expect(rejected.length).toBeLessThan(slots * 2.1);
    expect(countOutcomes(responses)["INVALID_CREDENTIALS"]).toBe(slots * 3 - rejected.length);
    for (const { headers } of rejected) expect(headers.get("retry-after")).toBe("1");
  });
});
