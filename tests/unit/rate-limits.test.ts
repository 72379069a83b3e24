import { bucketOf } from "@taskwire/server/security/bucket.ts";
import { createRateLimits } from "@taskwire/server/security/rate-limits.ts";
import { AppError } from "@taskwire/shared";
import { required } from "../support/setup/required.ts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:201", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::", "2001:db8:1:2::/64"],
  ["2001:db8:1:3::1", "2001:db8:1:3::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", "unknown"],
  ["abc", "unknown"],
  ["1.2.3.4:99", "unknown"],
  ["localhost", "unknown"],
])("the address %j is counted as %s", (address, bucket) => {
  expect(bucketOf(address)).toBe(bucket);
});

/** Returns the seconds until the next attempt, or undefined if this one was accepted. */
const waitAfter = async (attempt: Promise<unknown>): Promise<number | undefined> => {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "RATE_LIMIT_EXCEEDED") throw error;
    return required(error.retryAfter, "retryAfter");
  }
};

const limits = { register: 1, login: 1, refresh: 1 };

test("beyond 20,000 addresses, the least recently used one gets a new budget and the others do not", async () => {
  const { consume } = createRateLimits(limits);
  const attempt = (i: number) =>
    waitAfter(consume("login", `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`));
  for (const i of [0, 1]) expect(await attempt(i)).toBeUndefined();
  for (let i = 2; i <= 10_000; i++) await attempt(i);
  expect(await attempt(1)).toBe(60);
  for (let i = 10_001; i <= 20_000; i++) await attempt(i);
  expect(await attempt(0)).toBeUndefined();
  expect(await attempt(1)).toBeGreaterThan(0);
});

test("if the system's clock is set back, the seconds until the next attempt are those of the window at most", async () => {
  const { consume, takePasswordAttempt } = createRateLimits(limits);
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    await consume("login", "192.0.2.1");
    for (let i = 0; i < 4; i++) await takePasswordAttempt("ada", "192.0.2.1", false);
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(await waitAfter(consume("login", "192.0.2.1"))).toBe(60);
    expect(await waitAfter(takePasswordAttempt("ada", "192.0.2.1", false))).toBe(3600);
  } finally {
    vi.useRealTimers();
  }
});

describe("password attempts", () => {
  // The limiter reads the hour from the system's clock.
  beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => vi.useRealTimers());

  test("with a sign-in limit of 2 per minute, an address gets 8 wrong passwords per account and hour", async () => {
    const { takePasswordAttempt } = createRateLimits({ ...limits, login: 2 });
    for (const account of ["ada", "unknown"]) {
      for (let i = 0; i < 8; i++)
        expect(
          await waitAfter(takePasswordAttempt(account, "192.0.2.1", i % 2 === 0)),
        ).toBeUndefined();
      vi.setSystemTime(Date.now() + 600_000);
      for (const isKnown of [true, false])
        expect(await waitAfter(takePasswordAttempt(account, "192.0.2.1", isKnown))).toBe(3000);
      expect(await waitAfter(takePasswordAttempt(account, "192.0.2.2", false))).toBeUndefined();
    }
  });

  test("all unknown addresses together have twenty per account, and a known address still has its own four", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    for (let i = 0; i < 20; i++)
      expect(await waitAfter(takePasswordAttempt("ada", `192.0.2.${i}`, false))).toBeUndefined();
    expect(await waitAfter(takePasswordAttempt("ada", "198.51.100.1", false))).toBe(3600);
    for (let i = 0; i < 4; i++)
      expect(await waitAfter(takePasswordAttempt("ada", "198.51.100.1", true))).toBeUndefined();
    expect(await waitAfter(takePasswordAttempt("ada", "198.51.100.1", true))).toBe(3600);
    expect(await waitAfter(takePasswordAttempt("grace", "198.51.100.1", false))).toBeUndefined();
  });

  test("refunded attempts and rejected attempts do not count", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    const attempt = () => takePasswordAttempt("ada", "192.0.2.1", false);
    for (let i = 0; i < 100; i++) (await attempt())();
    const pending = [await attempt(), await attempt(), await attempt(), await attempt()];
    for (let i = 0; i < 100; i++) expect(await waitAfter(attempt())).toBe(3600);
    for (const refund of pending) refund();
    for (let i = 0; i < 100; i++) (await attempt())();
    expect(await waitAfter(takePasswordAttempt("ada", "192.0.2.2", false))).toBeUndefined();
  });

  test("are accepted again after the seconds of the rejection", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    for (let i = 0; i < 4; i++) await takePasswordAttempt("ada", "192.0.2.1", false);
    vi.setSystemTime(Date.now() + 1234);
    const wait = await waitAfter(takePasswordAttempt("ada", "192.0.2.1", false));
    vi.setSystemTime(Date.now() + Number(wait) * 1000);
    expect(await waitAfter(takePasswordAttempt("ada", "192.0.2.1", false))).toBeUndefined();
  });

  test("of fifty concurrent attempts without a refund, four are accepted", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    const waits = await Promise.all(
      Array.from({ length: 50 }, () => waitAfter(takePasswordAttempt("ada", "192.0.2.1", false))),
    );
    expect(waits.filter((wait) => wait === undefined)).toHaveLength(4);
  });
});
