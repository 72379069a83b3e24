import { createPasswords } from "@taskwire/server/security/passwords.ts";
import argon2 from "argon2";
import { describe, expect, test } from "vitest";

const passwords = await createPasswords();

test("hashes are argon2id with OWASP's parameters, each with a salt of its own", async () => {
  const [one, two] = await Promise.all([passwords.hash("secret"), passwords.hash("secret")]);
  const [, type, version, parameters = ""] = one.split("$");
  expect([type, version]).toEqual(["argon2id", "v=19"]);
  expect(parameters.split(",").toSorted()).toEqual(["m=19456", "p=1", "t=2"]);
  expect(one).not.toBe(two);
});

test("a password fits its own hash only, to the letter", async () => {
  const hash = await passwords.hash(" pässword ");
  expect(await passwords.verify(" pässword ", hash)).toBe(true);
  for (const other of ["pässword", " Pässword ", " pässword", " pa\u0308ssword ", ""]) {
    expect(await passwords.verify(other, hash)).toBe(false);
  }
});

test("nothing fits where there is no hash", async () => {
  expect(await passwords.verify("", undefined)).toBe(false);
  expect(await passwords.verify("secret", undefined)).toBe(false);
});

test("a hash with other parameters is outdated", async () => {
  expect(passwords.isOutdated(await passwords.hash("x"))).toBe(false);
  for (const parameters of [
    { memoryCost: 8192, timeCost: 2, parallelism: 1 },
    { memoryCost: 19_456, timeCost: 3, parallelism: 1 },
  ]) {
    expect(passwords.isOutdated(await argon2.hash("x", parameters))).toBe(true);
  }
});

describe("under a flood", () => {
  test("a bounded number waits, and the rest is refused at once", async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, () => passwords.verify("x", undefined)),
    );
    const refused = results.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(100);
    expect(refused.length).toBeLessThan(200 - 64);
    for (const result of refused) {
      expect(result).toMatchObject({ reason: { code: "SERVICE_UNAVAILABLE", retryAfter: 1 } });
    }
    expect(await passwords.verify("x", undefined)).toBe(false);
  });
});
