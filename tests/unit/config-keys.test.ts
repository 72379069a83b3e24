import { generateKeyPairSync } from "node:crypto";
import { ConfigError, parseConfig } from "@taskwire/server/config.ts";
import { describe, expect, test } from "vitest";
import { ed25519Pair, rsaPair } from "../support/setup/key-pairs.ts";

const secret = "0f".repeat(31) + "a9";
const other = "0f".repeat(31) + "b7";
const problemsOf = (env: Record<string, string | undefined>): readonly string[] => {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

const [rsa, ed] = [rsaPair(), ed25519Pair()];
const pkcs1 = rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const pem = { type: "pkcs8", format: "pem" } as const;
const spki = { type: "spki", format: "pem" } as const;
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const weak = rsaPair(1024);
const others = {
  ec,
  "rsa-pss": generateKeyPairSync("rsa-pss", { modulusLength: 2048 }),
  ed448: generateKeyPairSync("ed448"),
  x25519: generateKeyPairSync("x25519"),
};

describe("JWT_PREVIOUS_SECRET_KEYS", () => {
  test.each([
    [secret, [secret]],
    [` ${secret}, ${other},`, [secret, other]],
    [`${secret}\n${other}\n`, [secret, other]],
  ])("parses %j to %j", (text, expected) => {
    expect(parseConfig({ JWT_PREVIOUS_SECRET_KEYS: text }).previousSecrets).toEqual(expected);
  });

  test.each([",", "short", `${secret},short`, `${secret};${other}`])("rejects %j", (text) => {
    const problems = problemsOf({ JWT_PREVIOUS_SECRET_KEYS: text });
    expect(problems).toEqual([
      expect.stringMatching(/^JWT_PREVIOUS_SECRET_KEYS must list secrets of at least 64 hex/),
    ]);
    expect(problems.join()).not.toContain(secret);
  });

  test("in production, rejects a secret of repeated blocks", () => {
    const production = { NODE_ENV: "production", DATA_DIR: "/data", JWT_SECRET_KEY: secret };
    const previous = { JWT_PREVIOUS_SECRET_KEYS: `${other},${"deadbeef".repeat(8)}` };
    expect(problemsOf({ ...production, ...previous })).toEqual([
      expect.stringMatching(/^JWT_PREVIOUS_SECRET_KEYS must be random/),
    ]);
  });
});

describe("JWT_PRIVATE_KEY", () => {
  test.each([
    ["an Ed25519 key", ed.privatePem, "ed25519"],
    ["an RSA key", rsa.privatePem, "rsa"],
    ["an RSA key in PKCS #1", pkcs1, "rsa"],
    ["line breaks written as \\n", ed.privatePem.replaceAll("\n", String.raw`\n`), "ed25519"],
    ["Windows line breaks", rsa.privatePem.replaceAll("\n", "\r\n"), "rsa"],
  ])("accepts %s", (_, text, type) => {
    expect(parseConfig({ JWT_PRIVATE_KEY: text }).privateKey?.asymmetricKeyType).toBe(type);
  });

  const form =
    "JWT_PRIVATE_KEY must be one private key in PEM, without a passphrase (generate one with: openssl genpkey -algorithm ed25519)";
  const encrypted = { ...pem, cipher: "aes-256-cbc", passphrase: "hunter2" };
  test.each([
    ["a secret", secret],
    ["a public key", rsa.publicPem],
    ["two keys", rsa.privatePem + ed.privatePem],
    ["a key after other text", `key: ${ed.privatePem}`],
    ["half a key", ed.privatePem.slice(0, 60)],
    ["a damaged key", rsa.privatePem.replace("MII", "AAA")],
    ["a key with a passphrase", rsa.privateKey.export(encrypted).toString()],
  ])("rejects %s without quoting it", (_, text) => {
    expect(problemsOf({ JWT_PRIVATE_KEY: text })).toEqual([form]);
  });

  test.each(Object.entries(others))("rejects a key of the type %s", (type, { privateKey }) => {
    expect(problemsOf({ JWT_PRIVATE_KEY: privateKey.export(pem).toString() })).toEqual([
      `JWT_PRIVATE_KEY must be of the type RSA or Ed25519, not ${type}`,
    ]);
  });

  test("rejects an RSA key below 2048 bits", () => {
    expect(problemsOf({ JWT_PRIVATE_KEY: weak.privatePem })).toEqual([
      "JWT_PRIVATE_KEY must have from 2048 to 8192 bits if it is an RSA key, not 1024",
    ]);
  });

  test("replaces the secret that production and PostgreSQL require", () => {
    const production = { NODE_ENV: "production", DATABASE_URL: "postgresql://localhost/x" };
    expect(problemsOf({ ...production, JWT_PRIVATE_KEY: ed.privatePem })).toEqual([]);
    expect(problemsOf({ ...production, JWT_PUBLIC_KEYS: ed.publicPem })).toEqual([
      expect.stringMatching(/^JWT_SECRET_KEY is required .* unless JWT_PRIVATE_KEY is set/),
    ]);
  });
});

describe("JWT_PUBLIC_KEYS", () => {
  test("accepts several keys, one after another", () => {
    const { publicKeys } = parseConfig({ JWT_PUBLIC_KEYS: `${rsa.publicPem}\n${ed.publicPem}` });
    expect(publicKeys.map((key) => [key.type, key.asymmetricKeyType])).toEqual([
      ["public", "rsa"],
      ["public", "ed25519"],
    ]);
  });

  test.each([
    ["a private key", ed.privatePem],
    ["a public and a private key", ed.publicPem + rsa.privatePem],
    ["a secret", secret],
    ["a damaged key", rsa.publicPem.replace("MII", "AAA")],
  ])("rejects %s without quoting it", (_, text) => {
    expect(problemsOf({ JWT_PUBLIC_KEYS: text })).toEqual([
      "JWT_PUBLIC_KEYS must be public keys in PEM (print one with: openssl pkey -in FILE -pubout)",
    ]);
  });

  test("rejects other types, and RSA keys below 2048 bits", () => {
    expect(problemsOf({ JWT_PUBLIC_KEYS: ec.publicKey.export(spki).toString() })).toEqual([
      "JWT_PUBLIC_KEYS must be of the type RSA or Ed25519, not ec",
    ]);
    expect(problemsOf({ JWT_PUBLIC_KEYS: ed.publicPem + weak.publicPem })).toEqual([
      "JWT_PUBLIC_KEYS must have from 2048 to 8192 bits if it is an RSA key, not 1024",
    ]);
  });
});
