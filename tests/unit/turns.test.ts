import { createTurns } from "@taskwire/server/security/turns.ts";
import { expect, test } from "vitest";

const unavailable = { code: "SERVICE_UNAVAILABLE", retryAfter: 1 };

test("two at once: the third starts when one ends, also with an error, and the order is that of the calls", async () => {
  const turns = createTurns(2);
  const started: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const calls = gates.map(({ promise }, i) =>
    turns.run("ada", () => {
      started.push(i);
      return promise;
    }),
  );
  expect(started).toEqual([0, 1]);
  gates[1]?.reject(new Error("its own"));
  await expect(calls[1]).rejects.toThrow("its own");
  expect(started).toEqual([0, 1, 2]);
  for (const [i, { resolve }] of gates.entries()) resolve(i);
  expect(await Promise.all(calls.filter((_, i) => i !== 1))).toEqual([0, 2, 3, 4]);
  expect(started).toEqual([0, 1, 2, 3, 4]);
});

test("keys do not wait for each other", async () => {
  const turns = createTurns(1);
  const gate = Promise.withResolvers<string>();
  const held = turns.run("ada", () => gate.promise);
  expect(await turns.run("grace", async () => "done")).toBe("done");
  gate.resolve("done");
  expect(await held).toBe("done");
  expect(await turns.run("ada", async () => "again")).toBe("again");
});

test("work that waits is rejected when its signal aborts, and the next one keeps its place", async () => {
  const turns = createTurns(1);
  const gate = Promise.withResolvers<string>();
  const client = new AbortController();
  const held = turns.run("ada", () => gate.promise, client.signal);
  const leaving = turns.run("ada", async () => "late", client.signal);
  const next = turns.run("ada", async () => "next");
  client.abort();
  await expect(leaving).rejects.toMatchObject(unavailable);
  await expect(
    turns.run(
      "ada",
      async () => "",
      () => client.signal,
    ),
  ).rejects.toMatchObject(unavailable);
  gate.resolve("done");
  expect(await Promise.all([held, next])).toEqual(["done", "next"]);
});

test("the signal is not read while there is nothing to wait for", async () => {
  const read = (): AbortSignal => {
    throw new Error("Read");
  };
  expect(await createTurns(1).run("ada", async () => "done", read)).toBe("done");
});
