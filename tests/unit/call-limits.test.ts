import { createCallLimits } from "@taskwire/server/security/call-limits.ts";
import { AppError } from "@taskwire/shared";
import { expect, test } from "vitest";
import { required } from "../support/setup/required.ts";
import { testClock } from "../support/setup/server.ts";

/** Returns the seconds until the next call, or 0 if this one was accepted. */
const waitAfter = (call: () => void): number => {
  try {
    call();
    return 0;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "RATE_LIMIT_EXCEEDED") throw error;
    return required(error.retryAfter, "retryAfter");
  }
};

const accepted = (count: number, call: () => void): number =>
  Array.from({ length: count }, () => waitAfter(call)).filter((wait) => wait === 0).length;

test.each([1, 3, 7, 59, 60_000, 300_000])(
  "a limit of %i accepts as many calls at once, then one for each part of a minute",
  (perUser) => {
    const clock = testClock();
    const { consumeUser } = createCallLimits({ perUser, perAddress: 0 }, clock.now);
    const call = () => consumeUser("ada");
    expect(accepted(perUser, call)).toBe(perUser);
    expect(waitAfter(call)).toBe(Math.ceil(60 / perUser));
    clock.advance(30);
    expect(accepted(perUser, call)).toBe(Math.floor(perUser / 2));
    clock.advance(90);
    expect(accepted(perUser + 10, call)).toBe(perUser);
  },
);

test("an empty bucket accepts a call after each Retry-After, for a day", () => {
  const clock = testClock();
  const { consumeUser } = createCallLimits({ perUser: 7, perAddress: 0 }, clock.now);
  const call = () => consumeUser("ada");
  expect(accepted(7, call)).toBe(7);
  for (let i = 0; i < 10_000; i++) {
    const wait = waitAfter(call);
    if (wait > 0) clock.advance(wait);
    expect(waitAfter(call)).toBe(0);
  }
});

test("a clock that is set back by a day makes a client wait for a minute at most", () => {
  const clock = testClock();
  const { consumeUser } = createCallLimits({ perUser: 1, perAddress: 0 }, clock.now);
  const call = () => consumeUser("ada");
  expect(waitAfter(call)).toBe(0);
  clock.advance(-86_400);
  expect(waitAfter(call)).toBe(60);
});

test("beyond 20,000 users and addresses, the least recently used one gets a new bucket and the others do not", () => {
  const limits = createCallLimits({ perUser: 1, perAddress: 1 }, testClock().now);
  const addressOf = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  for (const call of [
    (i: number) => limits.consumeUser(String(i)),
    (i: number) => limits.consumeAddress(addressOf(i)),
  ]) {
    for (let i = 0; i <= 10_000; i++) call(i);
    expect(waitAfter(() => call(1))).toBe(60);
    for (let i = 10_001; i <= 20_000; i++) call(i);
    expect(waitAfter(() => call(0))).toBe(0);
    expect(waitAfter(() => call(20_000))).toBe(60);
  }
});
