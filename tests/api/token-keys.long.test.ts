import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Orm } from "@taskwire/server/db/orm.ts";
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from "jose";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { newRefreshCookieOf, rest, transports } from "../support/client/transports.ts";
import { cloneDatabase } from "../support/setup/database.ts";
import { ed25519Pair, rsaPair } from "../support/setup/key-pairs.ts";
import { required } from "../support/setup/required.ts";
import { secret, startServer, type TestServer, testClock } from "../support/setup/server.ts";

const [rsa, ed, foreignRsa, foreignEd] = [rsaPair(), ed25519Pair(), rsaPair(), ed25519Pair()];
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const nextSecret = "5ec2e8".repeat(11);

const clock = testClock();
let orm: Orm;
beforeAll(async () => {
  orm = await cloneDatabase();
});
afterAll(() => orm.close());

/** Starts a server on the database of this file. */
const start = (env: Record<string, string>): Promise<TestServer> =>
  startServer({ env, clock, orm: { ...orm, close: async () => {} } });

const startUntilFinished = async (env: Record<string, string>): Promise<TestServer> => {
  const server = await start(env);
  onTestFinished(() => server.close());
  return server;
};

const jwkOf = (key: KeyObject) => key.export({ format: "jwk" });
const jwks = async (server: TestServer) => {
  const response = await fetch(`${server.url}/.well-known/jwks.json`);
  const text = await response.text();
  return { response, text, set: JSON.parse(text) as JSONWebKeySet };
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

type Signer = (text: string) => Buffer;
const hs256 =
  (key: string | Buffer): Signer =>
  (text) =>
    createHmac("sha256", key).update(text).digest();
const rs256 =
  (key: KeyObject): Signer =>
  (text) =>
    sign("sha256", Buffer.from(text), key);
const eddsa =
  (key: KeyObject): Signer =>
  (text) =>
    sign(null, Buffer.from(text), key);

/** Builds a token without our code. */
const forge = (claims: object, header: object, signer: Signer): string => {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${signer(text).toString("base64url")}`;
};

const claimsFor = (user: SignedInUser, type: "access" | "refresh") => {
  const iat = Math.floor(clock.now().getTime() / 1000);
  const common = { sub: user.id, email: user.email, sid: user.sid, type, iat };
  return type === "access"
    ? { ...common, exp: iat + 900 }
    : { ...common, exp: iat + 604_800, gen: 0 };
};

/** Settings in which the server accepts all three algorithms, so that only the choice of the key rejects a token. */
const mixed = {
  JWT_SECRET_KEY: secret,
  JWT_PRIVATE_KEY: rsa.privatePem,
  JWT_PUBLIC_KEYS: ed.publicPem,
};

describe("with a secret, an RSA key and an Ed25519 key", async () => {
  const [rsaKid, edKid] = await Promise.all(
    [rsa, ed].map(({ publicKey }) => calculateJwkThumbprint(jwkOf(publicKey))),
  );
  let server: TestServer;
  let published: string;
  let requests = 0;
  const elsewhere = createServer((_request, response) => {
    requests++;
    response.end("{}");
  });
  let elsewhereUrl: string;
  beforeAll(async () => {
    server = await start(mixed);
    published = (await jwks(server)).text;
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const address = elsewhere.address();
    if (address === null || typeof address === "string") throw new Error("No port");
    elsewhereUrl = `http://127.0.0.1:${address.port}/`;
  });
  afterAll(async () => {
    await server.close();
    elsewhere.close();
  });

  const der = rsa.publicKey.export({ type: "spki", format: "der" });
  const pkcs1 = rsa.publicKey.export({ type: "pkcs1", format: "pem" });
  const rsaHeader = { alg: "RS256", typ: "JWT", kid: rsaKid };
  const edHeader = { alg: "EdDSA", typ: "JWT", kid: edKid };
  const pss = (text: string) =>
    sign("sha256", Buffer.from(text), {
      key: rsa.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 32,
    });
  const rs512: Signer = (text) => sign("sha512", Buffer.from(text), rsa.privateKey);
  const hs512: Signer = (text) => createHmac("sha512", secret).update(text).digest();
  const es256: Signer = (text) =>
    sign("sha256", Buffer.from(text), { key: ec.privateKey, dsaEncoding: "ieee-p1363" });
  const none: Signer = () => Buffer.alloc(0);

  const accepted: [string, object, Signer][] = [
    ["HS256 with the secret", { alg: "HS256" }, hs256(secret)],
    ["HS256 with any kid", { alg: "HS256", kid: rsaKid }, hs256(secret)],
    ["RS256", rsaHeader, rs256(rsa.privateKey)],
    ["RS256 without kid", { alg: "RS256" }, rs256(rsa.privateKey)],
    ["EdDSA", edHeader, eddsa(ed.privateKey)],
    ["EdDSA without kid", { alg: "EdDSA" }, eddsa(ed.privateKey)],
  ];

  type Attack = [string, () => [object, Signer]];
  const hmacWith = (name: string, key: () => string | Buffer, kid?: string): Attack => [
    `HS256, whose key is ${name}`,
    () => [{ alg: "HS256", ...(kid === undefined ? {} : { kid }) }, hs256(key())],
  ];
  const attacks: Attack[] = [
    ["alg none", () => [{ alg: "none" }, none]],
    ["alg none with the kid of a key", () => [{ ...rsaHeader, alg: "none" }, none]],
    ["alg None with a signature", () => [{ alg: "None" }, hs256(secret)]],
    ["RS256 without a signature", () => [rsaHeader, none]],
    hmacWith("the public PEM", () => rsa.publicPem),
    hmacWith("the public PEM, with its kid", () => rsa.publicPem, rsaKid),
    hmacWith("the public PEM without the last line break", () => rsa.publicPem.trim(), rsaKid),
    hmacWith("the public PEM of Ed25519", () => ed.publicPem, edKid),
    hmacWith("the public PKCS #1 PEM", () => pkcs1, rsaKid),
    hmacWith("the public DER", () => der, rsaKid),
    hmacWith("the JWK Set's text", () => published, rsaKid),
    hmacWith("the JWK's text", () => JSON.stringify(JSON.parse(published).keys[0]), rsaKid),
    hmacWith("the modulus", () => Buffer.from(String(jwkOf(rsa.publicKey).n), "base64url")),
    hmacWith("the modulus's text", () => String(jwkOf(rsa.publicKey).n), rsaKid),
    hmacWith("the point of Ed25519", () => Buffer.from(String(jwkOf(ed.publicKey).x), "base64url")),
    hmacWith("the kid", () => String(rsaKid), rsaKid),
    hmacWith("empty", () => "", "../../../../dev/null"),
    hmacWith("named by SQL in kid", () => "x", "x' union select 'x"),
    ["RS256 signed by Ed25519", () => [rsaHeader, eddsa(ed.privateKey)]],
    ["RS256 with the kid of Ed25519", () => [{ ...rsaHeader, kid: edKid }, rs256(rsa.privateKey)]],
    ["EdDSA signed by RSA", () => [edHeader, rs256(rsa.privateKey)]],
    ["EdDSA with the kid of RSA", () => [{ ...edHeader, kid: rsaKid }, eddsa(ed.privateKey)]],
    ["RS256 signed by the secret", () => [rsaHeader, hs256(secret)]],
    ["EdDSA signed by the secret", () => [edHeader, hs256(secret)]],
    ["HS256 signed by RSA", () => [{ alg: "HS256" }, rs256(rsa.privateKey)]],
    ["PS256", () => [{ ...rsaHeader, alg: "PS256" }, pss]],
    ["PSS padding under RS256", () => [rsaHeader, pss]],
    ["RS512", () => [{ ...rsaHeader, alg: "RS512" }, rs512]],
    ["RS512 under RS256", () => [rsaHeader, rs512]],
    ["HS512", () => [{ alg: "HS512" }, hs512]],
    ["ES256", () => [{ alg: "ES256", kid: rsaKid, jwk: jwkOf(ec.publicKey) }, es256]],
    ["alg rs256", () => [{ ...rsaHeader, alg: "rs256" }, rs256(rsa.privateKey)]],
    ["a list as alg", () => [{ ...rsaHeader, alg: ["RS256"] }, rs256(rsa.privateKey)]],
    ["another RSA key", () => [rsaHeader, rs256(foreignRsa.privateKey)]],
    ["another RSA key without kid", () => [{ alg: "RS256" }, rs256(foreignRsa.privateKey)]],
    ["another Ed25519 key", () => [edHeader, eddsa(foreignEd.privateKey)]],
    ["null as kid", () => [{ ...rsaHeader, kid: null }, rs256(rsa.privateKey)]],
    ["a list as kid", () => [{ ...rsaHeader, kid: [rsaKid] }, rs256(rsa.privateKey)]],
    ["a path as kid", () => [{ ...rsaHeader, kid: "../jwt.pem" }, rs256(rsa.privateKey)]],
    [
      "its own jwk",
      () => [{ ...rsaHeader, jwk: jwkOf(foreignRsa.publicKey) }, rs256(foreignRsa.privateKey)],
    ],
    [
      "its own jwk and kid",
      () => [
        { alg: "EdDSA", kid: "own", jwk: { ...jwkOf(foreignEd.publicKey), kid: "own" } },
        eddsa(foreignEd.privateKey),
      ],
    ],
    [
      "its own symmetric jwk",
      () => [{ alg: "HS256", jwk: { kty: "oct", k: encode("own") } }, hs256("own")],
    ],
    ...["jku", "x5u"].map((name): Attack => [
      `its own ${name}`,
      () => [{ ...rsaHeader, [name]: elsewhereUrl }, rs256(foreignRsa.privateKey)],
    ]),
    [
      "its own x5c",
      () => [
        { alg: "RS256", x5c: [foreignRsa.publicPem.replaceAll(/-----.*-----|\n/g, "")] },
        rs256(foreignRsa.privateKey),
      ],
    ],
    [
      "an unknown critical parameter",
      () => [{ ...rsaHeader, crit: ["jku"], jku: elsewhereUrl }, rs256(rsa.privateKey)],
    ],
  ];

  describe.each(transports)("over $name", (transport) => {
    const me = (token: string) => transport.call(server.url, "auth.me", undefined, { token });
    const refresh = (cookie: string) =>
      transport.call(server.url, "auth.refresh", undefined, { cookie });

    test.each(accepted)("a token is accepted: %s", async (_, header, signer) => {
      const user = await signedInUser(server, { transport });
      expect((await me(forge(claimsFor(user, "access"), header, signer))).status).toBe(200);
      expect((await refresh(forge(claimsFor(user, "refresh"), header, signer))).status).toBe(200);
    });

    test.each(attacks)("a token is rejected: %s", async (_, attack) => {
      const user = await signedInUser(server, { transport });
      const [header, signer] = attack();
      const access = await me(forge(claimsFor(user, "access"), header, signer));
      expectError(access, 401, "INVALID_TOKEN");
      const refreshed = await refresh(forge(claimsFor(user, "refresh"), header, signer));
      expectError(refreshed, 401, "INVALID_TOKEN");
      expect(refreshed.headers.getSetCookie()).toEqual([]);
      expect(requests).toBe(0);
      // The session is not affected.
      expect((await refresh(user.cookie)).status).toBe(200);
    });

    test.each(accepted)("the two types are not exchangeable: %s", async (_, header, signer) => {
      const user = await signedInUser(server, { transport });
      const access = forge(claimsFor(user, "access"), header, signer);
      const refreshToken = forge(claimsFor(user, "refresh"), header, signer);
      expectError(await me(refreshToken), 401, "INVALID_TOKEN_TYPE");
      expectError(await refresh(access), 401, "INVALID_TOKEN_TYPE");
    });
  });
});

// The URL is not used, but without one, the secret in DATA_DIR would be accepted too.
const withoutSecret = { JWT_SECRET_KEY: "", DATABASE_URL: "postgresql://localhost/unused" };
const settingsOf = {
  RS256: { ...withoutSecret, JWT_PRIVATE_KEY: rsa.privatePem },
  EdDSA: { ...withoutSecret, JWT_PRIVATE_KEY: ed.privatePem },
};

describe.each([
  ["RS256", rsa, ["e", "n"]],
  ["EdDSA", ed, ["crv", "x"]],
] as const)("with a private key of %s", (alg, { publicKey }, members) => {
  test("both tokens are signed by it, and another service verifies them with the JWK Set", async () => {
    const server = await startUntilFinished(settingsOf[alg]);
    const { token, cookie } = await signedInUser(server, { overHttp: true });
    const { set } = await jwks(server);
    const kid = await calculateJwkThumbprint(jwkOf(publicKey));
    for (const each of [token, cookie]) {
      expect(decodeProtectedHeader(each)).toEqual({ alg, typ: "JWT", kid });
      const options = { currentDate: clock.now() };
      const { payload } = await jwtVerify(each, createLocalJWKSet(set), options);
      expect(payload["type"]).toBe(each === token ? "access" : "refresh");
    }
  });

  test("the JWK Set has only public members, and may be cached", async () => {
    const server = await startUntilFinished({ ...settingsOf[alg], JWT_SECRET_KEY: secret });
    const { response, set, text } = await jwks(server);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("public, max-age=300");
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const [key, ...others] = set.keys;
    expect(others).toEqual([]);
    expect(Object.keys(required(key, "the key")).toSorted()).toEqual(
      ["alg", "kid", "kty", "use", ...members].toSorted(),
    );
    expect(text).not.toContain(secret);
  });

  test("a token of the old secret is rejected as soon as no setting names it", async () => {
    const server = await startUntilFinished(settingsOf[alg]);
    const user = await signedInUser(server);
    const token = forge(claimsFor(user, "access"), { alg: "HS256" }, hs256(secret));
    const me = await rest.call(server.url, "auth.me", undefined, { token });
    expectError(me, 401, "INVALID_TOKEN");
  });
});

describe("the JWK Set", () => {
  test("is empty if a secret signs", async () => {
    const { response, set } = await jwks(await startUntilFinished({}));
    expect([response.status, set]).toEqual([200, { keys: [] }]);
  });

  test("has the private key's part once, then the other public keys", async () => {
    const JWT_PUBLIC_KEYS = ed.publicPem + rsa.publicPem + foreignEd.publicPem;
    const { set } = await jwks(await startUntilFinished({ ...mixed, JWT_PUBLIC_KEYS }));
    const expected = [rsa, ed, foreignEd].map(({ publicKey }) =>
      calculateJwkThumbprint(jwkOf(publicKey)),
    );
    expect(set.keys.map(({ kid }) => kid)).toEqual(await Promise.all(expected));
  });
});

describe.each(transports)("no user is signed out, over $name,", (transport) => {
  /** Signs in at the first server, calls and refreshes at the second, then calls and refreshes at the first again. */
  const expectExchange = async (first: TestServer, second: TestServer): Promise<void> => {
    const user = await signedInUser(first, { transport, overHttp: true });
    let { token, cookie } = user;
    for (const { url } of [second, first, second]) {
      const me = await transport.call(url, "auth.me", undefined, { token });
      expect(me.data).toMatchObject({ id: user.id });
      const refreshed = await transport.call(url, "auth.refresh", undefined, { cookie });
      cookie = newRefreshCookieOf(refreshed).value;
      token = (refreshed.data as { access_token: string }).access_token; // Safe: the refresh set a cookie.
    }
  };

  const [old, next] = [{ JWT_SECRET_KEY: secret }, { JWT_SECRET_KEY: nextSecret }];
  const toSecret = [
    old,
    { ...old, JWT_PREVIOUS_SECRET_KEYS: nextSecret },
    { ...next, JWT_PREVIOUS_SECRET_KEYS: secret },
  ];
  const toKey = [
    old,
    { ...old, JWT_PUBLIC_KEYS: rsa.publicPem },
    { ...old, JWT_PRIVATE_KEY: rsa.privatePem },
  ];
  const toOtherKey = [
    settingsOf.RS256,
    { ...settingsOf.RS256, JWT_PUBLIC_KEYS: ed.publicPem },
    { ...settingsOf.EdDSA, JWT_PUBLIC_KEYS: rsa.publicPem },
  ];

  test.each([
    ["to a new secret", toSecret],
    ["from a secret to a private key", toKey],
    ["to another private key", toOtherKey],
  ])("while two servers have the settings before and after a step %s", async (_, steps) => {
    const servers = await Promise.all(steps.map((env) => startUntilFinished(env)));
    const [before, prepared, after] = servers;
    if (before === undefined || prepared === undefined || after === undefined)
      throw new Error("Three servers are needed");
    await expectExchange(before, prepared);
    await expectExchange(prepared, after);
    // A server from before the first step does not know the key of the last one.
    const { token } = await signedInUser(after);
    const me = await transport.call(before.url, "auth.me", undefined, { token });
    expectError(me, 401, "INVALID_TOKEN");
  });

  test("when the embedded server's own secret is replaced by a private key", async () => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), "taskwire-keys-"));
    onTestFinished(() => rm(DATA_DIR, { recursive: true }));
    const own = await startUntilFinished({ JWT_SECRET_KEY: "", DATA_DIR });
    const { token, cookie } = await signedInUser(own);
    const server = await startUntilFinished({ ...settingsOf.EdDSA, DATABASE_URL: "", DATA_DIR });
    const me = await transport.call(server.url, "auth.me", undefined, { token });
    expect(me.status).toBe(200);
    const refreshed = await transport.call(server.url, "auth.refresh", undefined, { cookie });
    expect(decodeProtectedHeader(newRefreshCookieOf(refreshed).value).alg).toBe("EdDSA");
  });
});
