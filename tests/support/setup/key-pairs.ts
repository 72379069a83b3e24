import { generateKeyPairSync, type KeyObject } from "node:crypto";

/** A key pair, and its PEM texts as `openssl` writes them. */
export interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
  privatePem: string;
  publicPem: string;
}

const withPem = (pair: { privateKey: KeyObject; publicKey: KeyObject }): KeyPair => ({
  ...pair,
  privatePem: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  publicPem: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
});

export const rsaPair = (modulusLength = 2048): KeyPair =>
  withPem(generateKeyPairSync("rsa", { modulusLength }));

export const ed25519Pair = (): KeyPair => withPem(generateKeyPairSync("ed25519"));
