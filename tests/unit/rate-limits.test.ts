import { bucketOf, createRateLimits } from "@taskwire/server/security/rate-limits.ts";
import { AppError } from "@taskwire/shared";
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
])("%j counts as %s", (address, bucket) => {
  expect(bucketOf(address)).toBe(bucket);
});

/** Seconds until the next attempt, or nothing when this one was granted. */
const waitAfter = async (attempt: Promise<unknown>): Promise<number | undefined> => {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "RATE_LIMIT_EXCEEDED") throw error;
    return error.retryAfter;
  }
};

const limits = { register: 1, login: 1, refresh: 1 };

test("who has not tried for longest is forgotten, when there are more than can be kept in mind", async () => {
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

describe("guesses", () => {
  // The hour is counted by the process's clock.
  beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => vi.useRealTimers());

  test("are four an hour from an address for each sign-in a minute, on each account", async () => {
    const { takePasswordAttempt } = createRateLimits({ ...limits, login: 2 });
    for (const account of ["ada", "nobody"]) {
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

  test("are twenty from all addresses, which lock nobody out where the account is known", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    for (let i = 0; i < 20; i++)
      expect(await waitAfter(takePasswordAttempt("ada", `192.0.2.${i}`, false))).toBeUndefined();
    expect(await waitAfter(takePasswordAttempt("ada", "198.51.100.1", false))).toBe(3600);
    for (let i = 0; i < 4; i++)
      expect(await waitAfter(takePasswordAttempt("ada", "198.51.100.1", true))).toBeUndefined();
    expect(await waitAfter(takePasswordAttempt("ada", "198.51.100.1", true))).toBe(3600);
    expect(await waitAfter(takePasswordAttempt("grace", "198.51.100.1", false))).toBeUndefined();
  });

  test("that prove right do not count, nor do those that are refused", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    const right = () => takePasswordAttempt("ada", "192.0.2.1", false);
    for (let i = 0; i < 100; i++) (await right())();
    const pending = [await right(), await right(), await right(), await right()];
    for (let i = 0; i < 100; i++) expect(await waitAfter(right())).toBe(3600);
    for (const refund of pending) refund();
    for (let i = 0; i < 100; i++) (await right())();
    expect(await waitAfter(takePasswordAttempt("ada", "192.0.2.2", false))).toBeUndefined();
  });

  test("are whole again after the time that was told", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    for (let i = 0; i < 4; i++) await takePasswordAttempt("ada", "192.0.2.1", false);
    vi.setSystemTime(Date.now() + 1234);
    const wait = await waitAfter(takePasswordAttempt("ada", "192.0.2.1", false));
    vi.setSystemTime(Date.now() + Number(wait) * 1000);
    expect(await waitAfter(takePasswordAttempt("ada", "192.0.2.1", false))).toBeUndefined();
  });

  test("made at once are counted before any of them is checked", async () => {
    const { takePasswordAttempt } = createRateLimits(limits);
    const waits = await Promise.all(
      Array.from({ length: 50 }, () => waitAfter(takePasswordAttempt("ada", "192.0.2.1", false))),
    );
    expect(waits.filter((wait) => wait === undefined)).toHaveLength(4);
  });
});
