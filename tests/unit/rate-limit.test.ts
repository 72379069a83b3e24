import { bucketOf, createRateLimits } from "@taskwire/server/security/rate-limit.ts";
import { AppError } from "@taskwire/shared";
import { expect, test } from "vitest";

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
