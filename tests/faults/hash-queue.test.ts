import { request } from "node:http";
import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type Transport, transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { countOutcomes } from "../support/client/count-outcomes.ts";

let server: TestServer;
beforeAll(async () => {
  // Less than a hash costs in earnest, so that a full queue is empty again long before anybody's deadline.
  const cost = { memoryCost: 8192, timeCost: 2, parallelism: 1 };
  server = await startServer({ passwords: await createPasswordHashing(cost, 1) });
});
afterAll(() => server.close());

/** One hash at a time, and so many sign-ins that wait for it. */
const places = 65;

const credentials = { email: "nobody@example.com", password: "wrong horse battery" };

/** Signs in on a connection of its own, which may hang up before the answer is there. */
const signInOrLeave = (transport: Transport) => {
  const { method, path, headers, body } = transport.request("auth.login", credentials);
  const outgoing = request(`${server.url}${path}`, { method, headers, agent: false });
  const { promise: refused, resolve } = Promise.withResolvers<void>();
  outgoing.on("response", ({ statusCode }) => statusCode === 503 && resolve());
  outgoing.on("error", () => {});
  outgoing.end(body);
  return { refused, leave: () => void outgoing.destroy() };
};

describe.each(transports)("over $name", (transport) => {
  const signIn = () => transport.call(server.url, "auth.login", credentials);

  test("who leaves makes room in the queue at once", async () => {
    const guests = Array.from({ length: places * 3 }, () => signInOrLeave(transport));
    await Promise.race(guests.map(({ refused }) => refused));
    for (const { leave } of guests) leave();
    // By its answer, the server has seen them go; a sign-in would wait until the queue is empty anyway.
    await fetch(`${server.url}/health`);
    const answers = await Promise.all(Array.from({ length: places }, signIn));
    expect(countOutcomes(answers)["INVALID_CREDENTIALS"]).toBeGreaterThan(places * 0.9);
  });

  test("when it is full, nothing more is read of a request", async () => {
    const guests = Array.from({ length: places * 3 }, () => signInOrLeave(transport));
    await Promise.race(guests.map(({ refused }) => refused));
    const unread = await transport.call(server.url, "auth.login", {});
    expectError(unread, 503, "SERVICE_UNAVAILABLE");
    for (const { leave } of guests) leave();
    await fetch(`${server.url}/health`);
    expectError(await transport.call(server.url, "auth.login", {}), 422, "VALIDATION_ERROR");
  });

  test("who comes when it is full is refused at once, and told when to come again", async () => {
    const answers = await Promise.all(Array.from({ length: places * 3 }, signIn));
    const refused = answers.filter(({ status }) => status === 503);
    // Some more get in, while others are done already; and the last test's last hash may still run.
    expect(refused.length).toBeGreaterThan(places);
    expect(refused.length).toBeLessThan(places * 2.1);
    expect(countOutcomes(answers)["INVALID_CREDENTIALS"]).toBe(places * 3 - refused.length);
    for (const { headers } of refused) expect(headers.get("retry-after")).toBe("1");
  });
});
