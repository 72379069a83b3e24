import { setTimeout } from "node:timers/promises";
import { createHashSlots } from "@taskwire/server/security/hash-slots.ts";
import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import { createTimingFloor } from "@taskwire/server/security/timing-floor.ts";
import { describe, expect, test } from "vitest";

/** Milliseconds of the slowest hash in these tests: long enough to tell a delay from none. */
const slowest = 40;

const measure = async () => slowest;

/** Milliseconds until a verification with this result, queued for so many milliseconds, is returned. */
const timeOf = async (
  floor: ReturnType<typeof createTimingFloor>,
  isValid: boolean,
  queued = 0,
): Promise<number> => {
  const startedAt = performance.now();
  const result = await floor.apply(async (markStarted) => {
    if (queued > 0) await setTimeout(queued);
    markStarted();
    return isValid;
  });
  expect(result).toBe(isValid);
  return performance.now() - startedAt;
};

describe("a floor that is on", () => {
  test("delays a failed verification by more than twice the slowest hash", async () => {
    const floor = createTimingFloor(measure);
    await floor.setLegacy(true);
    expect(await timeOf(floor, false)).toBeGreaterThan(2 * slowest);
  });

  test("delays a failed verification that was queued for more than the slowest hash after its start", async () => {
    const floor = createTimingFloor(measure);
    await floor.setLegacy(true);
    const queued = 5 * slowest;
    expect(await timeOf(floor, false, queued)).toBeGreaterThan(queued + slowest);
  });

  test("returns a failure the same time after its call, with and without a short time in the queue", async () => {
    const floor = createTimingFloor(measure);
    await floor.setLegacy(true);
    // Both are returned twice the floor after their call, so the one that was called first is returned first.
    const order: string[] = [];
    await Promise.all([
      timeOf(floor, false, slowest).then(() => order.push("queued")),
      setTimeout(slowest / 2).then(() => timeOf(floor, false).then(() => order.push("not queued"))),
    ]);
    expect(order).toEqual(["queued", "not queued"]);
  });

  test("does not delay a successful verification", async () => {
    const floor = createTimingFloor(measure);
    await floor.setLegacy(true);
    const order: string[] = [];
    await Promise.all([
      timeOf(floor, false).then(() => order.push("failed")),
      timeOf(floor, true).then(() => order.push("succeeded")),
    ]);
    expect(order).toEqual(["succeeded", "failed"]);
  });
});

test.each([
  ["that was never switched on", [] as boolean[]],
  ["that was switched off again", [true, false]],
])("a floor %s delays no verification", async (_, states) => {
  const floor = createTimingFloor(measure);
  for (const exists of states) await floor.setLegacy(exists);
  const first = await Promise.race([
    timeOf(floor, false).then(() => "verification"),
    setTimeout(0, "a timer of 0 ms"),
  ]);
  expect(first).toBe("verification");
});

test("the slowest hash is measured once, and only when the floor is first switched on", async () => {
  let measurements = 0;
  const floor = createTimingFloor(async () => {
    measurements++;
    return slowest;
  });
  await floor.setLegacy(false);
  expect(measurements).toBe(0);
  await Promise.all([floor.setLegacy(true), floor.setLegacy(true)]);
  await floor.setLegacy(false);
  await floor.setLegacy(true);
  expect(measurements).toBe(1);
});

test("while any account has a bcrypt hash, every failed verification takes longer than bcrypt, queued or not", async () => {
  const passwords = await createPasswordHashing(undefined, createHashSlots(1));
  /** Milliseconds between the end of so many queued hashes and the failure of the verification behind them. */
  const timeAfter = async (hashes: number) => {
    const queue = Array.from({ length: hashes }, () => passwords.hash("x"));
    const failure = passwords.verify("wrong", undefined);
    await Promise.all(queue);
    const startedAt = performance.now();
    expect(await failure).toBe(false);
    return performance.now() - startedAt;
  };
  await passwords.setLegacy(true);
  const [free, queued] = [await timeAfter(0), await timeAfter(50)];
  // argon2id alone takes some 20 ms, bcrypt 160 ms and more.
  expect(Math.min(free, queued)).toBeGreaterThan(80);
  await passwords.setLegacy(false);
  expect(await timeAfter(0)).toBeLessThan(free);
});
