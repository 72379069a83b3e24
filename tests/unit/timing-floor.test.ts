import { type Clock, createTimingFloor } from "@taskwire/server/security/timing-floor.ts";
import { describe, expect, test } from "vitest";

/** Milliseconds of the slowest hash in these tests. The floor is one and a half times as long. */
const slowest = 40;
const floorMs = 60;

const measure = async () => slowest;

/** A clock that only `sleep` moves, at once. */
const testClock = (): Clock => {
  let time = 0;
  return {
    now: () => time,
    sleep: async (ms) => void (time += ms),
  };
};

/** Creates a floor, switches it through the states, and returns what measures it. */
const floorWith = async (...states: boolean[]) => {
  const clock = testClock();
  const floor = createTimingFloor(measure, clock);
  for (const exists of states) await floor.setLegacy(exists);
  /** Returns the milliseconds until a verification is returned that was queued and then ran for so many milliseconds. */
  return async (isValid: boolean, queued = 0, ran = 0): Promise<number> => {
    const calledAt = clock.now();
    const result = await floor.apply(async (markStarted) => {
      await clock.sleep(queued);
      markStarted();
      await clock.sleep(ran);
      return isValid;
    });
    expect(result).toBe(isValid);
    return clock.now() - calledAt;
  };
};

describe("a floor that is on", () => {
  test("delays a failed verification until twice the floor, which is more than twice the slowest hash", async () => {
    const timeOf = await floorWith(true);
    expect(await timeOf(false)).toBe(2 * floorMs);
    expect(await timeOf(false, 0, slowest)).toBe(2 * floorMs);
  });

  test("delays a failed verification that was queued for long until the floor after its start", async () => {
    const timeOf = await floorWith(true);
    const queued = 5 * slowest;
    expect(await timeOf(false, queued)).toBe(queued + floorMs);
    expect(await timeOf(false, queued, slowest)).toBe(queued + floorMs);
  });

  test("returns a failure the same time after its call, with and without a short time in the queue", async () => {
    const timeOf = await floorWith(true);
    for (const queued of [0, slowest / 2, slowest, floorMs])
      expect(await timeOf(false, queued)).toBe(2 * floorMs);
  });

  test("does not delay a failure that took longer than the floor", async () => {
    const timeOf = await floorWith(true);
    expect(await timeOf(false, 0, 3 * floorMs)).toBe(3 * floorMs);
  });

  test("does not delay a successful verification", async () => {
    const timeOf = await floorWith(true);
    expect(await timeOf(true)).toBe(0);
    expect(await timeOf(true, 1, 2)).toBe(3);
  });
});

test.each([
  ["that was never switched on", [] as boolean[]],
  ["that was switched off again", [true, false]],
])("a floor %s delays no verification", async (_, states) => {
  const timeOf = await floorWith(...states);
  expect(await timeOf(false)).toBe(0);
  expect(await timeOf(true)).toBe(0);
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
