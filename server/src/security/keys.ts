import { createPublicKey, createSecretKey, type KeyObject, type webcrypto } from "node:crypto";
import { calculateJwkThumbprint, type JWK } from "jose";

type Algorithm = "HS256" | "RS256" | "EdDSA";

/** A key for one algorithm. It cannot be used with another one, whatever the header of a token says. */
interface Key {
  alg: Algorithm;
  /** The RFC 7638 thumbprint of an asymmetric key; a secret has none, because a hash of it must not leave the server. */
  kid?: string;
  key: webcrypto.CryptoKey;
}

/** The keys of all tokens, imported once at start. */
export interface Keys {
  signing: Key;
  /** For each algorithm that is accepted, at least one key. The signing key, if it has the algorithm, is the first. */
  verifying: ReadonlyMap<string, readonly Key[]>;
  /** The public keys as a JWK Set (RFC 7517). */
  published: { keys: readonly JWK[] };
}

interface KeySource {
  /** At least 64 hex characters each. The key is this text, not the bytes that it encodes (CONTRACT.md, "Sign-in"). */
  secrets: readonly string[];
  /** RSA or Ed25519. It signs, if there is one; otherwise the first secret does. */
  privateKey?: KeyObject | undefined;
  /** They only verify. */
  publicKeys?: readonly KeyObject[] | undefined;
}

const hmac = { name: "HMAC", hash: "SHA-256" };
const ofRsa = { alg: "RS256", params: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } } as const;
const ofEd25519 = { alg: "EdDSA", params: { name: "Ed25519" } } as const;
const algorithmOf = ({ asymmetricKeyType }: KeyObject) =>
  asymmetricKeyType === "rsa" ? ofRsa : ofEd25519;

const importSecret = (text: string): Key => ({
  alg: "HS256",
  key: createSecretKey(text, "utf8").toCryptoKey(hmac, false, ["sign", "verify"]),
});

const importPublic = async (key: KeyObject) => {
  const { alg, params } = algorithmOf(key);
  // A public key's export has no private member.
  const members: JWK = key.export({ format: "jwk" });
  const kid = await calculateJwkThumbprint(members);
  const jwk: JWK = { ...members, kid, alg, use: "sig" };
  return { alg, kid, jwk, key: key.toCryptoKey(params, false, ["verify"]) };
};

/**
 * Imports the keys that sign and verify tokens.
 * @throws {Error} if there is neither a private key nor a secret
 */
export const importKeys = async (source: KeySource): Promise<Keys> => {
  const secrets = [...new Set(source.secrets)].map(importSecret);
  const { privateKey, publicKeys = [] } = source;
  const ownPublic = privateKey === undefined ? [] : [createPublicKey(privateKey)];
  const imported = await Promise.all([...ownPublic, ...publicKeys].map(importPublic));
  // The private key's public part may be in the list too.
  const unique = [...new Map(imported.map((each) => [each.kid, each])).values()];
  const [first] = privateKey === undefined ? secrets : unique;
  if (first === undefined) throw new Error("No key signs");
  const signing =
    privateKey === undefined
      ? first
      : { ...first, key: privateKey.toCryptoKey(algorithmOf(privateKey).params, false, ["sign"]) };
  return {
    signing,
    verifying: Map.groupBy<string, Key>([...secrets, ...unique], ({ alg }) => alg),
    published: { keys: unique.map(({ jwk }) => jwk) },
  };
};
