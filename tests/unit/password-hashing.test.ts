import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import argon2 from "argon2";
import bcrypt from "bcrypt";
import { describe, expect, test } from "vitest";

const passwords = await createPasswordHashing();

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

describe("bcrypt", () => {
  const hash = bcrypt.hashSync("secret", 4);

  test.each([
    ["$2a$", hash.replace("$2b$", "$2a$")],
    ["$2b$", hash],
  ])("%s fits its password only, and is outdated", async (_, stored) => {
    expect(await passwords.verify("secret", stored)).toBe(true);
    expect(await passwords.verify("Secret", stored)).toBe(false);
    expect(passwords.isOutdated(stored)).toBe(true);
  });

  test.each([
    ["of another kind", hash.replace("$2b$", "$2y$")],
    ["with too many rounds", hash.replace("$04$", "$15$")],
    ["with too few rounds", hash.replace("$04$", "$03$")],
    ["cut off", hash.slice(0, -1)],
    ["that is none", "none"],
  ])("a hash %s never fits", async (_, stored) => {
    expect(await passwords.verify("secret", stored)).toBe(false);
  });

  test("as long as some account has such a hash, every refusal takes longer than it, queued or not", async () => {
    const legacy = await createPasswordHashing(undefined, 1);
    /** Milliseconds of a refusal since so many hashes before it ended. */
    const timeAfter = async (hashes: number) => {
      const queue = Array.from({ length: hashes }, () => legacy.hash("x"));
      const refusal = legacy.verify("wrong", undefined);
      await Promise.all(queue);
      const begin = performance.now();
      expect(await refusal).toBe(false);
      return performance.now() - begin;
    };
    await legacy.setLegacy(true);
    const [free, queued] = [await timeAfter(0), await timeAfter(50)];
    // argon2id alone takes some 20 ms, bcrypt 160 ms and more.
    expect(Math.min(free, queued)).toBeGreaterThan(80);
    await legacy.setLegacy(false);
    expect(await timeAfter(0)).toBeLessThan(free);
  });
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

  const busy = { code: "SERVICE_UNAVAILABLE", retryAfter: 1 };

  test("who waits and leaves is taken out of the queue at once", async () => {
    const one = await createPasswordHashing(undefined, 1);
    const done: string[] = [];
    const running = one.verify("x", undefined).then(() => done.push("running"));
    const client = new AbortController();
    const waiting = Array.from({ length: 64 }, () => one.hash("x", client.signal));
    await expect(one.hash("x")).rejects.toMatchObject(busy);
    client.abort();
    const next = one.hash("x").then(() => done.push("next"));
    for (const left of waiting) await expect(left).rejects.toMatchObject(busy);
    await expect(one.hash("x", client.signal)).rejects.toMatchObject(busy);
    expect(done).toEqual([]);
    await Promise.all([running, next]);
    expect(done).toEqual(["running", "next"]);
  });

  test("a hash that has begun keeps its slot when its client leaves", async () => {
    const one = await createPasswordHashing(undefined, 1);
    const client = new AbortController();
    const done: string[] = [];
    const begun = one.hash("x", client.signal).then(() => done.push("begun"));
    const next = one.hash("x").then(() => done.push("next"));
    client.abort();
    await Promise.all([begun, next]);
    expect(done).toEqual(["begun", "next"]);
  });

  test("a bounded number is let in, and whoever leaves makes room for another at once", async () => {
    const one = await createPasswordHashing(undefined, 1);
    const client = new AbortController();
    const gate = Promise.withResolvers<string>();
    const inside = Array.from({ length: 64 }, () => one.withSlot(() => gate.promise));
    const leaving = one.withSlot(() => gate.promise, client.signal);
    await expect(one.withSlot(async () => "refused")).rejects.toMatchObject(busy);
    client.abort();
    await expect(leaving).rejects.toMatchObject(busy);
    await expect(one.withSlot(async () => "late", client.signal)).rejects.toMatchObject(busy);
    expect(await one.withSlot(async () => "let in")).toBe("let in");
    gate.resolve("out");
    expect(await Promise.all(inside)).toEqual(Array.from({ length: 64 }, () => "out"));
    await expect(one.withSlot(() => Promise.reject(new Error("its own")))).rejects.toThrow(
      "its own",
    );
  });
});
