import { request } from "node:http";
import { createPasswords } from "@taskwire/server/security/passwords.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal } from "../support/expect-refusal.ts";
import { type Face, faces } from "../support/faces.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tally } from "../support/tally.ts";

let server: TestServer;
beforeAll(async () => {
  // Less than a hash costs in earnest, so that a full queue is empty again long before anybody's deadline.
  const cost = { memoryCost: 8192, timeCost: 2, parallelism: 1 };
  server = await startServer({ passwords: await createPasswords(cost, 1) });
});
afterAll(() => server.close());

/** One hash at a time, and so many sign-ins that wait for it. */
const places = 65;

const credentials = { email: "nobody@example.com", password: "wrong horse battery" };

/** Signs in on a connection of its own, which may hang up before the answer is there. */
const signInOrLeave = (face: Face) => {
  const { method, path, headers, body } = face.request("auth.login", credentials);
  const outgoing = request(`${server.url}${path}`, { method, headers, agent: false });
  const { promise: refused, resolve } = Promise.withResolvers<void>();
  outgoing.on("response", ({ statusCode }) => statusCode === 503 && resolve());
  outgoing.on("error", () => {});
  outgoing.end(body);
  return { refused, leave: () => void outgoing.destroy() };
};

describe.each(faces)("over $name", (face) => {
  const signIn = () => face.call(server.url, "auth.login", credentials);

  test("who leaves makes room in the queue at once", async () => {
    const guests = Array.from({ length: places * 3 }, () => signInOrLeave(face));
    await Promise.race(guests.map(({ refused }) => refused));
    for (const { leave } of guests) leave();
    // By its answer, the server has seen them go; a sign-in would wait until the queue is empty anyway.
    await fetch(`${server.url}/health`);
    const answers = await Promise.all(Array.from({ length: places }, signIn));
    expect(tally(answers)["INVALID_CREDENTIALS"]).toBeGreaterThan(places * 0.9);
  });

  test("when it is full, nothing more is read of a request", async () => {
    const guests = Array.from({ length: places * 3 }, () => signInOrLeave(face));
    await Promise.race(guests.map(({ refused }) => refused));
    const unread = await face.call(server.url, "auth.login", {});
    expectRefusal(unread, 503, "SERVICE_UNAVAILABLE");
    for (const { leave } of guests) leave();
    await fetch(`${server.url}/health`);
    expectRefusal(await face.call(server.url, "auth.login", {}), 422, "VALIDATION_ERROR");
  });

  test("who comes when it is full is refused at once, and told when to come again", async () => {
    const answers = await Promise.all(Array.from({ length: places * 3 }, signIn));
    const refused = answers.filter(({ status }) => status === 503);
    // Some more get in, while others are done already; and the last test's last hash may still run.
    expect(refused.length).toBeGreaterThan(places);
    expect(refused.length).toBeLessThan(places * 2.1);
    expect(tally(answers)["INVALID_CREDENTIALS"]).toBe(places * 3 - refused.length);
    for (const { headers } of refused) expect(headers.get("retry-after")).toBe("1");
  });
});
