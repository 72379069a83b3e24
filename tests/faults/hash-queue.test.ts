import { request } from "node:http";
import { createHashSlots, type HashSlots } from "@taskwire/server/security/hash-slots.ts";
import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { countOutcomes } from "../support/client/count-outcomes.ts";
import { expectError } from "../support/client/expect-error.ts";
import { type Transport, transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

/** The slots of a server that runs one hash at a time: that hash, and 64 sign-ins that wait. */
const slots = 65;
/** The slots that a test leaves free: few, so that even a slow machine sends these sign-ins long before their deadline. */
const free = 3;

let hashSlots: HashSlots;
let server: TestServer;
beforeEach(async () => {
  hashSlots = createHashSlots(1);
  const cost = { memoryCost: 8, timeCost: 1, parallelism: 1 };
  server = await startServer({ passwords: await createPasswordHashing(cost, hashSlots) });
});
afterEach(() => server.close());

const credentials = { email: "unknown@example.com", password: "wrong horse battery" };

/** Takes so many slots, as sign-ins do, until the returned function is called. */
const takeSlots = (count: number): (() => Promise<unknown>) => {
  const gate = Promise.withResolvers<void>();
  const taken = Array.from({ length: count }, () =>
    hashSlots.withSlot(() => gate.promise, { kind: "signIn" }),
  );
  return () => {
    gate.resolve();
    return Promise.all(taken);
  };
};

/** Lets every hash wait until the returned function is called. */
const holdHashes = (): (() => Promise<unknown>) => {
  const gate = Promise.withResolvers<void>();
  const running = hashSlots.runHash(() => gate.promise);
  return () => {
    gate.resolve();
    return running;
  };
};

const isFull = (): boolean => {
  try {
    hashSlots.assertCapacity("signIn");
    return false;
  } catch {
    return true;
  }
};

/** Signs in on a connection of its own, which the test closes before the response. */
const startSignIn = (transport: Transport) => {
  const { method, path, headers, body } = transport.request("auth.login", credentials);
  const outgoing = request(`${server.url}${path}`, { method, headers, agent: false });
  outgoing.on("error", () => {});
  outgoing.end(body);
  return outgoing;
};

describe.each(transports)("over $name", (transport) => {
  const signIn = () => transport.call(server.url, "auth.login", credentials);

  test("clients that disconnect free their slots at once, before any hash ends", async () => {
    const releaseSlots = takeSlots(slots - free);
    const releaseHashes = holdHashes();
    const clients = Array.from({ length: free }, () => startSignIn(transport));
    await expect.poll(isFull).toBe(true);
    for (const client of clients) client.destroy();
    await expect.poll(isFull).toBe(false);
    // It was not the deadline of the calls that freed the slots.
    expect(JSON.stringify(server.log)).not.toContain("No result within");
    await releaseHashes();
    const responses = await Promise.all(Array.from({ length: free }, signIn));
    expect(countOutcomes(responses)).toEqual({ INVALID_CREDENTIALS: free });
    await releaseSlots();
  });

  test("while the queue is full, a sign-in is rejected with 503 before its input is validated", async () => {
    const release = takeSlots(slots);
    const unread = await transport.call(server.url, "auth.login", {});
    expectError(unread, 503, "SERVICE_UNAVAILABLE");
    await release();
    expectError(await transport.call(server.url, "auth.login", {}), 422, "VALIDATION_ERROR");
  });

  test("sign-ins beyond the slots are rejected with 503 and Retry-After while the others wait, and those get 401", async () => {
    const releaseSlots = takeSlots(slots - free);
    const releaseHashes = holdHashes();
    let rejections = 0;
    const sent = Array.from({ length: 3 * free }, async () => {
      const response = await signIn();
      if (response.status === 503) rejections++;
      return response;
    });
    await expect.poll(() => rejections).toBe(2 * free);
    await releaseHashes();
    const responses = await Promise.all(sent);
    expect(countOutcomes(responses)).toEqual({
      INVALID_CREDENTIALS: free,
      SERVICE_UNAVAILABLE: 2 * free,
    });
    for (const { status, headers } of responses)
      expect(headers.get("retry-after")).toBe(status === 503 ? "1" : null);
    await releaseSlots();
  });
});
