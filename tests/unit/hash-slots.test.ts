import { createHashSlots } from "@taskwire/server/security/hash-slots.ts";
import { describe, expect, test } from "vitest";

const unavailable = { code: "SERVICE_UNAVAILABLE", retryAfter: 1 };

/** A hash that runs until the test resolves it. */
const controlledHash = () => Promise.withResolvers<string>();

describe("runHash", () => {
  test("runs one hash and queues 64 when the concurrency is 1, and rejects the rest at once", async () => {
    const slots = createHashSlots(1);
    const running = controlledHash();
    const accepted = Array.from({ length: 65 }, () => slots.runHash(() => running.promise));
    await expect(slots.runHash(async () => "one too many")).rejects.toMatchObject(unavailable);
    running.resolve("done");
    expect(new Set(await Promise.all(accepted))).toEqual(new Set(["done"]));
    expect(await slots.runHash(async () => "accepted again")).toBe("accepted again");
  });

  test("rejects queued hashes at once when their signal aborts, and frees their slots", async () => {
    const slots = createHashSlots(1);
    const done: string[] = [];
    const hash = controlledHash();
    const running = slots.runHash(() => hash.promise).then(() => done.push("running"));
    const client = new AbortController();
    const queued = Array.from({ length: 64 }, () =>
      slots.runHash(async () => done.push("aborted"), client.signal),
    );
    await expect(slots.runHash(async () => "")).rejects.toMatchObject(unavailable);
    client.abort();
    const next = slots.runHash(async () => "").then(() => done.push("next"));
    for (const aborted of queued) await expect(aborted).rejects.toMatchObject(unavailable);
    await expect(slots.runHash(async () => "", client.signal)).rejects.toMatchObject(unavailable);
    expect(done).toEqual([]);
    hash.resolve("");
    await Promise.all([running, next]);
    expect(done).toEqual(["running", "next"]);
  });

  test("lets a started hash finish before the next one starts, even when its signal aborts", async () => {
    const slots = createHashSlots(1);
    const client = new AbortController();
    const done: string[] = [];
    const hash = controlledHash();
    const started = slots.runHash(() => hash.promise, client.signal).then(() => done.push("first"));
    const next = slots.runHash(async () => "").then(() => done.push("next"));
    client.abort();
    setImmediate(() => hash.resolve(""));
    await Promise.all([started, next]);
    expect(done).toEqual(["first", "next"]);
  });
});

test("runOwnHash is queued even when runHash rejects", async () => {
  const slots = createHashSlots(1);
  const running = controlledHash();
  const queued = Array.from({ length: 65 }, () => slots.runHash(() => running.promise));
  await expect(slots.runHash(async () => "")).rejects.toMatchObject(unavailable);
  const own = slots.runOwnHash(async () => "own");
  running.resolve("");
  await Promise.all(queued);
  expect(await own).toBe("own");
});

describe("withSlot", () => {
  test("rejects a call when all slots are taken, and accepts one when another call's signal aborts", async () => {
    const slots = createHashSlots(1);
    const client = new AbortController();
    const kind = "signIn";
    const gate = Promise.withResolvers<string>();
    const inside = Array.from({ length: 64 }, () => slots.withSlot(() => gate.promise, { kind }));
    slots.assertCapacity(kind);
    const leaving = slots.withSlot(() => gate.promise, { kind, signal: client.signal });
    expect(() => slots.assertCapacity(kind)).toThrow(expect.objectContaining(unavailable));
    await expect(slots.withSlot(async () => "rejected", { kind })).rejects.toMatchObject(
      unavailable,
    );
    client.abort();
    await expect(leaving).rejects.toMatchObject(unavailable);
    await expect(
      slots.withSlot(async () => "late", { kind, signal: client.signal }),
    ).rejects.toMatchObject(unavailable);
    expect(await slots.withSlot(async () => "accepted", { kind })).toBe("accepted");
    gate.resolve("done");
    expect(await Promise.all(inside)).toEqual(Array.from({ length: 64 }, () => "done"));
  });

  test("gives other work 32 slots, and sign-ins all that remain", async () => {
    const slots = createHashSlots(1);
    const gate = Promise.withResolvers<string>();
    const others = Array.from({ length: 32 }, () =>
      slots.withSlot(() => gate.promise, { kind: "other" }),
    );
    expect(() => slots.assertCapacity("other")).toThrow(expect.objectContaining(unavailable));
    await expect(slots.withSlot(async () => "", { kind: "other" })).rejects.toMatchObject(
      unavailable,
    );
    const signIns = Array.from({ length: 33 }, () =>
      slots.withSlot(() => gate.promise, { kind: "signIn" }),
    );
    expect(() => slots.assertCapacity("signIn")).toThrow(expect.objectContaining(unavailable));
    gate.resolve("done");
    expect(new Set(await Promise.all([...others, ...signIns]))).toEqual(new Set(["done"]));
    expect(await slots.withSlot(async () => "accepted", { kind: "other" })).toBe("accepted");
  });

  test("gives sign-ins all slots, and other work none of them then", async () => {
    const slots = createHashSlots(1);
    const gate = Promise.withResolvers<string>();
    const signIns = Array.from({ length: 65 }, () =>
      slots.withSlot(() => gate.promise, { kind: "signIn" }),
    );
    await expect(slots.withSlot(async () => "", { kind: "other" })).rejects.toMatchObject(
      unavailable,
    );
    gate.resolve("done");
    await Promise.all(signIns);
  });

  test("gives a user one slot at a time: further calls wait, and one whose signal aborts is rejected", async () => {
    const slots = createHashSlots(1);
    const gate = Promise.withResolvers<string>();
    const client = new AbortController();
    const ofAda = { kind: "other", user: "ada" } as const;
    const running = Array.from({ length: 100 }, () => slots.withSlot(() => gate.promise, ofAda));
    const leaving = slots.withSlot(async () => "late", { ...ofAda, signal: client.signal });
    const others = Array.from({ length: 31 }, (_, i) =>
      slots.withSlot(() => gate.promise, { kind: "other", user: `user ${i}` }),
    );
    expect(() => slots.assertCapacity("other")).toThrow(expect.objectContaining(unavailable));
    client.abort();
    await expect(leaving).rejects.toMatchObject(unavailable);
    gate.resolve("done");
    expect(new Set(await Promise.all([...running, ...others]))).toEqual(new Set(["done"]));
  });

  test("rejects with the error of the work", async () => {
    const slots = createHashSlots(1);
    await expect(
      slots.withSlot(() => Promise.reject(new Error("its own")), { kind: "signIn" }),
    ).rejects.toThrow("its own");
  });
});
