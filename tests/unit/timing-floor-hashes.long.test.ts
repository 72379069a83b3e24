import { expect, test } from "vitest";
import { createHashSlots } from "@taskwire/server/security/hash-slots.ts";
import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";

test("while any account has a bcrypt hash, every failed verification takes longer than argon2id alone, queued or not", async () => {
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
  /** The least of five times, because the machine may delay each of them. */
  const withoutFloor = async () => {
    const times = [];
    for (let i = 0; i < 5; i++) times.push(await timeAfter(0));
    return Math.min(...times);
  };
  const before = await withoutFloor();
  await passwords.setLegacy(true);
  const [free, queued] = [await timeAfter(0), await timeAfter(50)];
  // With the floor, twelve times as long and more: bcrypt takes eight times as long as argon2id.
  expect(Math.min(free, queued)).toBeGreaterThan(2 * before);
  await passwords.setLegacy(false);
  expect(await withoutFloor()).toBeLessThan(free / 2);
});
