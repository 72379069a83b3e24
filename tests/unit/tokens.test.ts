import { createHmac } from "node:crypto";
import { AppError, type ErrorCode } from "@taskwire/shared";
import { importKeys } from "@taskwire/server/security/keys.ts";
import { createTokens } from "@taskwire/server/security/tokens.ts";
import fc from "fast-check";
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { secret, testClock } from "../support/setup/server.ts";

const clock = testClock(new Date("2030-01-01T00:00:00Z"));
const now = Math.floor(clock.now().getTime() / 1000);
const keys = await importKeys({ secrets: [secret] });
const tokens = createTokens({
  keys,
  ttl: { access: 900, refresh: 604_800 },
  clock: clock.now,
});
const identity = {
  id: "0b0e7e9c-6f4d-4a7e-9a43-2f6a3b1c9d10",
  email: "a@example.com",
  sid: "5d8f2b36-90c1-4f6e-8a57-3f1c7b2e4a90",
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const hmac = (text: string, key: string | Buffer = secret, hash = "sha256") =>
  createHmac(hash, key).update(text).digest("base64url");

const good = {
  sub: identity.id,
  email: identity.email,
  sid: identity.sid,
  type: "access",
  iat: now,
  exp: now + 900,
};

/** Builds a token without our code, as an attacker or another service would. */
const forge = (
  claims: unknown = good,
  header: unknown = { alg: "HS256", typ: "JWT" },
  key?: string | Buffer,
): string => {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${hmac(text, key)}`;
};

const codeOf = async (
  token: string,
  type: "access" | "refresh" = "access",
  verifier = tokens,
): Promise<ErrorCode | "accepted"> => {
  try {
    await (type === "access" ? verifier.verifyAccess(token) : verifier.verifyRefresh(token));
    return "accepted";
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
};

test("a signed token verifies to the identity that it was signed for", async () => {
  expect(await tokens.verifyAccess(await tokens.signAccess(identity))).toEqual(identity);
  const successor = { ...identity, generation: 7 };
  const lifetime = { issuedAt: now, expiresAt: now + 604_800 };
  const token = await tokens.signRefresh(successor, lifetime);
  expect(await tokens.verifyRefresh(token)).toEqual(successor);
});

test("the same identity and lifetime always sign to the same refresh token, another generation does not", async () => {
  const sign = (generation: number) =>
    tokens.signRefresh(
      { ...identity, generation },
      { issuedAt: now - 60, expiresAt: now + 604_740 },
    );
  const [first, other] = [await sign(1), await sign(2)];
  clock.advance(1);
  expect(await sign(1)).toBe(first);
  expect(other).not.toBe(first);
  clock.advance(-1);
});

test("the HMAC key is the text of the secret, not the bytes that it encodes", async () => {
  expect(await codeOf(forge())).toBe("accepted");
  expect(await codeOf(forge(good, undefined, Buffer.from(secret, "hex")))).toBe("INVALID_TOKEN");
});

test("a token with additional claims and header parameters is accepted", async () => {
  expect(
    await codeOf(
      forge({ ...good, jti: "x", extra: [] }, { alg: "HS256", kid: "../../etc/passwd" }),
    ),
  ).toBe("accepted");
});

test.each([
  ["alg none", `${encode({ alg: "none" })}.${encode(good)}.`],
  ["alg nOnE, signed", forge(good, { alg: "nOnE" })],
  ["alg RS256", forge(good, { alg: "RS256" })],
  ["alg HS512", forge(good, { alg: "HS512" })],
  ["no alg", forge(good, {})],
  [
    "a key of its own in the header",
    forge(good, { alg: "HS256", jwk: { kty: "oct", k: encode("own") } }, "own"),
  ],
  ["another secret", forge(good, undefined, "0".repeat(64))],
  ["an unknown critical parameter", forge(good, { alg: "HS256", crit: ["x"], x: 1 })],
  ["an unencoded payload", forge(good, { alg: "HS256", b64: false, crit: ["b64"] })],
  ["claims that are a list", forge([good])],
  ["claims that are a number", forge("5")],
  ["a header that is not JSON", forge(good, "x")],
])("a token with %s is INVALID_TOKEN", async (_, token) => {
  expect(await codeOf(token)).toBe("INVALID_TOKEN");
});

describe("a token is rejected if", () => {
  const { sub: _sub, ...withoutSub } = good;
  const { email: _email, ...withoutEmail } = good;
  const { iat: _iat, ...withoutIat } = good;
  const { exp: _exp, ...withoutExp } = good;
  const { type: _type, ...withoutType } = good;

  test.each([
    ["sub is missing", withoutSub],
    ["email is missing", withoutEmail],
    ["iat is missing", withoutIat],
    ["exp is missing", withoutExp],
    ["type is missing", withoutType],
    ["sub is not a UUID", { ...good, sub: "1 or 1=1" }],
    ["sub is a list", { ...good, sub: [identity.id] }],
    ["email is a number", { ...good, email: 5 }],
    ["exp is a text", { ...good, exp: String(now + 900) }],
    ["exp is null", { ...good, exp: null }],
    ["exp is a fraction", { ...good, exp: now + 0.5 }],
    ["iat is in the future", { ...good, iat: now + 60 }],
    ["nbf is in the future", { ...good, nbf: now + 60 }],
    ["type is ACCESS", { ...good, type: "ACCESS" }],
    ["type is a list", { ...good, type: ["access"] }],
    ["type is an object", { ...good, type: {} }],
  ])("%s", async (_, claims) => {
    expect(await codeOf(forge(claims))).toBe("INVALID_TOKEN");
  });

  test("exp is too large for a number", async () => {
    const claims = JSON.stringify(good).replace(/"exp":\d+/, '"exp":1e400');
    expect(await codeOf(forge(claims))).toBe("INVALID_TOKEN");
  });
});

describe("with an issuer and an audience", () => {
  const options = { keys, ttl: { access: 900, refresh: 604_800 }, clock: clock.now };
  const [issuer, audience] = ["https://auth.example.com", "tasks"];
  const bound = { iss: issuer, aud: audience };
  const refreshClaims = { type: "refresh", gen: 0 };
  const outcomes = async (settings: object, claims: object) => {
    const own = createTokens({ ...options, ...settings });
    return Promise.all([
      codeOf(forge({ ...good, ...claims }), "access", own),
      codeOf(forge({ ...good, ...refreshClaims, ...claims }), "refresh", own),
    ]);
  };

  test("both types of token carry them, and verify", async () => {
    const own = createTokens({ ...options, issuer, audience });
    const access = await own.signAccess(identity);
    const lifetime = { issuedAt: now, expiresAt: now + 604_800 };
    const refresh = await own.signRefresh({ ...identity, generation: 0 }, lifetime);
    for (const token of [access, refresh]) expect(decodeJwt(token)).toMatchObject(bound);
    expect(await own.verifyAccess(access)).toEqual(identity);
    expect(await own.verifyRefresh(refresh)).toMatchObject(identity);
    const none = decodeJwt(await tokens.signAccess(identity));
    for (const claim of ["iss", "aud"]) expect(none).not.toHaveProperty(claim);
  });

  test.each([
    ["exactly these", bound],
    ["a list of audiences that contains this one", { ...bound, aud: ["other", audience] }],
  ])("accepts tokens with %s", async (_, claims) => {
    expect(await outcomes({ issuer, audience }, claims)).toEqual(["accepted", "accepted"]);
  });

  test.each<[string, object]>([
    ["neither", {}],
    ["no iss", { aud: audience }],
    ["no aud", { iss: issuer }],
    ["another iss", { ...bound, iss: `${issuer}/` }],
    ["another aud", { ...bound, aud: "Tasks" }],
    ["a list as iss", { ...bound, iss: [issuer] }],
    ["a list of other audiences", { ...bound, aud: ["other", "task"] }],
    ["an empty list of audiences", { ...bound, aud: [] }],
    ["null as iss and aud", { iss: null, aud: null }],
    ["an object as aud", { ...bound, aud: { [audience]: audience } }],
    ["no iss, after their expiry", { aud: audience, iat: now - 700_000, exp: now - 60 }],
  ])("rejects tokens with %s: INVALID_TOKEN", async (_, claims) => {
    expect(await outcomes({ issuer, audience }, claims)).toEqual([
      "INVALID_TOKEN",
      "INVALID_TOKEN",
    ]);
  });

  test("each works alone, and without both any are accepted", async () => {
    const other = { iss: "other", aud: "other" };
    expect(await outcomes({ issuer }, { iss: issuer })).toEqual(["accepted", "accepted"]);
    expect(await outcomes({ issuer }, other)).toEqual(["INVALID_TOKEN", "INVALID_TOKEN"]);
    expect(await outcomes({ audience }, { aud: audience })).toEqual(["accepted", "accepted"]);
    expect(await outcomes({ audience }, other)).toEqual(["INVALID_TOKEN", "INVALID_TOKEN"]);
    expect(await outcomes({}, other)).toEqual(["accepted", "accepted"]);
  });
});

describe("expiry", () => {
  test("a token is accepted until five seconds after exp, and its iat may be five seconds ahead", async () => {
    expect(await codeOf(forge({ ...good, iat: now - 900, exp: now - 4 }))).toBe("accepted");
    expect(await codeOf(forge({ ...good, iat: now - 900, exp: now - 6 }))).toBe("TOKEN_EXPIRED");
    expect(await codeOf(forge({ ...good, exp: -1 }))).toBe("TOKEN_EXPIRED");
    expect(await codeOf(forge({ ...good, iat: now + 4 }))).toBe("accepted");
  });

  test("a token older than its type's lifetime is TOKEN_EXPIRED, even if exp is in the future", async () => {
    expect(await codeOf(forge({ ...good, iat: now - 906, exp: now + 10_000 }))).toBe(
      "TOKEN_EXPIRED",
    );
  });

  test("an expired refresh token is REFRESH_TOKEN_EXPIRED", async () => {
    const old = { ...good, type: "refresh", iat: now - 604_900, exp: now - 100 };
    expect(await codeOf(forge(old), "refresh")).toBe("REFRESH_TOKEN_EXPIRED");
  });

  test("an expired token of the wrong type is INVALID_TOKEN_TYPE", async () => {
    expect(await codeOf(forge({ ...good, type: "refresh", exp: now - 100 }))).toBe(
      "INVALID_TOKEN_TYPE",
    );
    expect(await codeOf(forge({ ...good, exp: now - 100 }), "refresh")).toBe("INVALID_TOKEN_TYPE");
  });
});

describe("a token that was verified before", () => {
  const moving = testClock(new Date("2030-01-01T00:00:00Z"));
  const verifier = createTokens({
    keys,
    ttl: { access: 900, refresh: 604_800 },
    clock: moving.now,
  });
  const codeNow = async (token: string): Promise<ErrorCode | "valid"> => {
    try {
      await verifier.verifyAccess(token);
      return "valid";
    } catch (error) {
      if (error instanceof AppError) return error.code;
      throw error;
    }
  };
  /** Verifies at these seconds after the token was issued, one after another. */
  const codesAt = async (token: string, seconds: readonly number[]) => {
    const codes = [];
    for (const second of seconds) {
      moving.advance(now + second - moving.now().getTime() / 1000);
      codes.push(await codeNow(token));
    }
    return codes;
  };

  test("is rejected from five seconds after exp, and each time after that", async () => {
    const token = forge({ ...good, exp: now + 100 });
    expect(await codesAt(token, [0, 104, 105, 106])).toEqual([
      "valid",
      "valid",
      "TOKEN_EXPIRED",
      "TOKEN_EXPIRED",
    ]);
  });

  test("is rejected when it is older than the lifetime of its type, although exp is later", async () => {
    const token = forge({ ...good, exp: now + 5000 });
    expect(await codesAt(token, [0, 905, 906])).toEqual(["valid", "valid", "TOKEN_EXPIRED"]);
  });

  test("is rejected while a clock that was set back is more than five seconds before iat", async () => {
    const codes = await codesAt(forge(), [0, -5, -6, 0]);
    expect(codes).toEqual(["valid", "valid", "INVALID_TOKEN", "valid"]);
  });

  test("is rejected after a clock that was set back is before its nbf", async () => {
    const codes = await codesAt(forge({ ...good, nbf: now + 50 }), [60, 40]);
    expect(codes).toEqual(["valid", "INVALID_TOKEN"]);
  });

  test("is verified again with any character changed", async () => {
    const token = forge();
    const other = forge({ ...good, email: "b@example.com" }, undefined, "another key");
    expect(await codesAt(token, [0])).toEqual(["valid"]);
    const [header = "", , signature = ""] = token.split(".");
    const [, payload = ""] = other.split(".");
    expect(await codeNow(other)).toBe("INVALID_TOKEN");
    expect(await codeNow(`${header}.${payload}.${signature}`)).toBe("INVALID_TOKEN");
  });
});

test("any other string, and a token with a changed character before its last one, is INVALID_TOKEN", async () => {
  const token = await tokens.signAccess(identity);
  const [header = "", claims = "", signature = ""] = token.split(".");
  const others = [
    "",
    ".",
    "..",
    header,
    `${header}.${claims}`,
    `${header}.${claims}.`,
    `.${claims}.${signature}`,
    `${token}.`,
    `${token}.${signature}`,
    ` ${token}`,
    `${token}\n`,
    `${token}=`,
    `${header}.${claims}.${signature.slice(0, -1)}`,
  ];
  for (const other of others) expect(await codeOf(other)).toBe("INVALID_TOKEN");
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
      expect(await codeOf(text)).toBe("INVALID_TOKEN");
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat(token.length - 2),
      fc.constantFrom("A", "Z", "a", "z", "0", "9", "-", "_"),
      async (at, letter) => {
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        fc.pre(changed !== token);
        expect(await codeOf(changed)).toBe("INVALID_TOKEN");
      },
    ),
  );
});
