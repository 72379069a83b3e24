import { createHashSlots } from "@taskwire/server/security/hash-slots.ts";
import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import argon2 from "argon2";
import bcrypt from "bcrypt";
import { describe, expect, test } from "vitest";

const passwords = await createPasswordHashing();

test("a new hash is argon2id with OWASP's parameters and a salt of its own", async () => {
  const [one, two] = await Promise.all([passwords.hash("secret"), passwords.hash("secret")]);
  const [, type, version, parameters = ""] = one.split("$");
  expect([type, version]).toEqual(["argon2id", "v=19"]);
  expect(parameters.split(",").toSorted()).toEqual(["m=19456", "p=1", "t=2"]);
  expect(one).not.toBe(two);
});

test("a hash matches only the password that it was computed from, character by character", async () => {
  const hash = await passwords.hash(" pässword ");
  expect(await passwords.verify(" pässword ", hash)).toBe(true);
  for (const other of ["pässword", " Pässword ", " pässword", " pa\u0308ssword ", ""]) {
    expect(await passwords.verify(other, hash)).toBe(false);
  }
});

test("without a hash, no password matches", async () => {
  expect(await passwords.verify("", undefined)).toBe(false);
  expect(await passwords.verify("secret", undefined)).toBe(false);
});

test("an argon2id hash is outdated only if its parameters differ from today's", async () => {
  expect(passwords.needsRehash("x", await passwords.hash("x"))).toBe(false);
  for (const parameters of [
    { memoryCost: 8192, timeCost: 2, parallelism: 1 },
    { memoryCost: 19_456, timeCost: 3, parallelism: 1 },
    { memoryCost: 19_456, timeCost: 2, parallelism: 2 },
  ]) {
    expect(passwords.needsRehash("x".repeat(100), await argon2.hash("x", parameters))).toBe(true);
  }
});

describe("bcrypt", () => {
  const hash = bcrypt.hashSync("secret", 4);

  test.each([
    ["$2a$", hash.replace("$2b$", "$2a$")],
    ["$2b$", hash],
  ])("a %s hash matches its password only, and is outdated", async (_, stored) => {
    expect(await passwords.verify("secret", stored)).toBe(true);
    expect(await passwords.verify("Secret", stored)).toBe(false);
    expect(passwords.needsRehash("secret", stored)).toBe(true);
  });

  test.each([
    ["71 bytes", "x".repeat(71), true],
    ["72 bytes", "x".repeat(72), false],
    ["73 bytes", "x".repeat(73), false],
    ["35 characters of 2 bytes", "é".repeat(35), true],
    ["36 characters of 2 bytes", "é".repeat(36), false],
    ["18 characters of 4 bytes", "\u{1F389}".repeat(18), false],
  ])("a password of %s replaces the hash only below 72 bytes", (_, password, expected) => {
    expect(passwords.needsRehash(password, bcrypt.hashSync(password, 4))).toBe(expected);
  });

  test.each([
    ["with the prefix $2y$", hash.replace("$2b$", "$2y$")],
    ["with 15 rounds", hash.replace("$04$", "$15$")],
    ["with 3 rounds", hash.replace("$04$", "$03$")],
    ["without its last character", hash.slice(0, -1)],
    ["that is not a hash", "none"],
  ])("a hash %s matches no password", async (_, stored) => {
    expect(await passwords.verify("secret", stored)).toBe(false);
  });
});

describe("under load", () => {
  test("of 200 verifications at once, two run, 64 wait, and the rest is rejected", async () => {
    const two = await createPasswordHashing(undefined, createHashSlots(2));
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, () => two.verify("x", undefined)),
    );
    const rejected = results.filter(({ status }) => status === "rejected");
    expect(rejected).toHaveLength(200 - 2 - 64);
    for (const result of rejected) {
      expect(result).toMatchObject({ reason: { code: "SERVICE_UNAVAILABLE", retryAfter: 1 } });
    }
    expect(await two.verify("x", undefined)).toBe(false);
  });

  test("hash and verify use the given slots, and leave the queue when their signal aborts", async () => {
    const unavailable = { code: "SERVICE_UNAVAILABLE", retryAfter: 1 };
    const one = await createPasswordHashing(undefined, createHashSlots(1));
    const done: string[] = [];
    const running = one.verify("x", undefined).then(() => done.push("running"));
    const client = new AbortController();
    const queued = Array.from({ length: 64 }, (_, i) =>
      i % 2 === 0
        ? one.hash("x", client.signal)
        : one.verify("x", undefined, client.signal).then(String),
    );
    await expect(one.hash("x")).rejects.toMatchObject(unavailable);
    client.abort();
    const next = one.hash("x").then(() => done.push("next"));
    for (const aborted of queued) await expect(aborted).rejects.toMatchObject(unavailable);
    await expect(one.hash("x", client.signal)).rejects.toMatchObject(unavailable);
    expect(done).toEqual([]);
    await Promise.all([running, next]);
    expect(done).toEqual(["running", "next"]);
  });

  test("a started hash keeps its slot when its signal aborts", async () => {
    const one = await createPasswordHashing(undefined, createHashSlots(1));
    const client = new AbortController();
    const done: string[] = [];
    const started = one.hash("x", client.signal).then(() => done.push("started"));
    const next = one.hash("x").then(() => done.push("next"));
    client.abort();
    await Promise.all([started, next]);
    expect(done).toEqual(["started", "next"]);
  });

  test("withSlot and assertCapacity use the given slots", async () => {
    const slots = createHashSlots(1);
    const one = await createPasswordHashing(undefined, slots);
    const kind = "signIn";
    const gate = Promise.withResolvers<void>();
    const inside = Array.from({ length: 65 }, () => slots.withSlot(() => gate.promise, { kind }));
    await expect(one.withSlot(async () => {}, { kind })).rejects.toThrow(
      "Service temporarily unavailable",
    );
    expect(() => one.assertCapacity(kind)).toThrow("Service temporarily unavailable");
    gate.resolve();
    await Promise.all(inside);
    expect(await one.withSlot(async () => "accepted", { kind })).toBe("accepted");
  });
});
