import { createHash } from "node:crypto";
import { importKeys } from "@taskwire/server/security/keys.ts";
import { createTokens } from "@taskwire/server/security/tokens.ts";
import { decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { ed25519Pair, rsaPair } from "../support/setup/key-pairs.ts";
import { testClock } from "../support/setup/server.ts";

const [first, second, third] = ["1", "2", "3"].map((digit) => digit.repeat(64)) as [
  string,
  string,
  string, // Safe: one secret for each of the three digits.
];
const clock = testClock();
const now = Math.floor(clock.now().getTime() / 1000);
const ttl = { access: 900, refresh: 604_800 };
const identity = {
  id: "0b0e7e9c-6f4d-4a7e-9a43-2f6a3b1c9d10",
  email: "a@example.com",
  sid: "5d8f2b36-90c1-4f6e-8a57-3f1c7b2e4a90",
};
const tokensOf = async (...source: Parameters<typeof importKeys>) =>
  createTokens({ keys: await importKeys(...source), ttl, clock: clock.now });

describe("of several secrets", () => {
  test("the first signs, and each of them verifies", async () => {
    const tokens = await tokensOf({ secrets: [first, second, third] });
    for (const secret of [first, second, third]) {
      const token = await (await tokensOf({ secrets: [secret] })).signAccess(identity);
      expect(await tokens.verifyAccess(token)).toEqual(identity);
    }
    const own = await tokensOf({ secrets: [first] });
    expect(await own.verifyAccess(await tokens.signAccess(identity))).toEqual(identity);
  });

  test("a token of another secret is INVALID_TOKEN, also if one is listed twice", async () => {
    const tokens = await tokensOf({ secrets: [first, second, first] });
    const other = await tokensOf({ secrets: [third] });
    const token = await other.signAccess(identity);
    await expect(tokens.verifyAccess(token)).rejects.toMatchObject({ code: "INVALID_TOKEN" });
  });

  test("an expired token of a previous one is TOKEN_EXPIRED", async () => {
    const token = await (await tokensOf({ secrets: [second] })).signAccess(identity, now - 60);
    const tokens = await tokensOf({ secrets: [first, second] });
    await expect(tokens.verifyAccess(token)).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
  });
});

describe.each([
  ["an RSA key", rsaPair(), ["e", "kty", "n"]],
  ["an Ed25519 key", ed25519Pair(), ["crv", "kty", "x"]],
] as const)("%s", (_, { privateKey, publicKey }, members) => {
  test("signs the same refresh token for the same arguments, beside any other keys", async () => {
    const sign = async (secrets: string[]) =>
      (await tokensOf({ secrets, privateKey })).signRefresh(
        { ...identity, generation: 1 },
        { issuedAt: now, expiresAt: now + 60 },
      );
    expect(await sign([])).toBe(await sign([first]));
  });

  test("is named by its RFC 7638 thumbprint in kid", async () => {
    const token = await (await tokensOf({ secrets: [], privateKey })).signAccess(identity);
    const jwk = publicKey.export({ format: "jwk" });
    // The required members only, sorted by name, without white space.
    const canonical = JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])));
    const thumbprint = createHash("sha256").update(canonical).digest("base64url");
    expect(decodeProtectedHeader(token).kid).toBe(thumbprint);
  });

  test("cannot be read back from the imported keys", async () => {
    const { signing, verifying } = await importKeys({ secrets: [first], privateKey });
    const keys = [signing, ...[...verifying.values()].flat()].map(({ key }) => key);
    expect(keys.map(({ extractable }) => extractable)).toEqual([false, false, false]);
  });
});

test("without any key that signs, the import fails", async () => {
  const { publicKey } = ed25519Pair();
  await expect(importKeys({ secrets: [], publicKeys: [publicKey] })).rejects.toThrow(
    "No key signs",
  );
});
