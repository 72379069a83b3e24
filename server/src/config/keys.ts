import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";

const secretText = /^[0-9a-f]{64,}$/i;
const howToCreate = "(generate one with: openssl rand -hex 32)";

/** A secret of HS256. */
export const secret = z
  .string()
  .regex(secretText, `must be at least 64 hex characters ${howToCreate}`);

/** Secrets, separated by commas or line breaks. */
export const secrets = z
  .string()
  .transform((text) => text.split(/[\s,]+/).filter((item) => item !== ""))
  .refine(
    (list) => list.length > 0 && list.every((item) => secretText.test(item)),
    "must list secrets of at least 64 hex characters each, separated by commas or line breaks",
  );

interface Pem {
  label: string;
  text: string;
}

/** Returns the blocks of a PEM text, or none if there is other text between them. */
const blocksIn = (text: string): Pem[] => {
  // One line of an environment file holds a PEM text with escaped line breaks.
  const lines = text.replaceAll(String.raw`\n`, "\n");
  const block = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;
  if (lines.replaceAll(block, "").trim() !== "") return [];
  return [...lines.matchAll(block)].map(([pem, label = ""]) => ({ label, text: pem }));
};

/** Returns the key, or undefined if it cannot be read: the library's own message is of no use to an operator. */
const keyFrom = (read: (pem: string) => KeyObject, text: string): KeyObject | undefined => {
  try {
    return read(text);
  } catch {
    return undefined;
  }
};

/** Bits. Signatures of longer keys would leave no space for the claims in a cookie, which has 4,096 bytes. */
const [minModulus, maxModulus] = [2048, 8192];

/** Returns how a key breaks the rules for its type; undefined if it does not. */
const faultOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined => {
  if (asymmetricKeyType === "ed25519") return undefined;
  if (asymmetricKeyType !== "rsa")
    return `must be of the type RSA or Ed25519, not ${String(asymmetricKeyType)}`;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits >= minModulus && bits <= maxModulus) return undefined;
  return `must have from ${minModulus} to ${maxModulus} bits if it is an RSA key, not ${bits}`;
};

/** A key of RS256 or EdDSA in PEM. The key decides the algorithm. */
export const privateKey = z.string().transform((text, context): KeyObject => {
  const [block, ...others] = blocksIn(text);
  const isPrivate = block?.label.endsWith("PRIVATE KEY") === true && others.length === 0;
  const key = isPrivate ? keyFrom(createPrivateKey, block.text) : undefined;
  const fault =
    key === undefined
      ? "must be one private key in PEM, without a passphrase (generate one with: openssl genpkey -algorithm ed25519)"
      : faultOf(key);
  if (key !== undefined && fault === undefined) return key;
  context.addIssue(fault ?? "");
  return z.NEVER;
});

/** Public keys in PEM, one after another. */
export const publicKeys = z.string().transform((text, context): KeyObject[] => {
  const blocks = blocksIn(text);
  // The label first: of a private key, the library would return the public part.
  const keys = blocks.map(({ label, text: pem }) =>
    label.endsWith("PUBLIC KEY") ? keyFrom(createPublicKey, pem) : undefined,
  );
  const valid = keys.filter((key) => key !== undefined);
  const fault =
    valid.length === 0 || valid.length < keys.length
      ? "must be public keys in PEM (print one with: openssl pkey -in FILE -pubout)"
      : valid.map(faultOf).find((each) => each !== undefined);
  if (fault === undefined) return valid;
  context.addIssue(fault);
  return z.NEVER;
});

/** Returns whether a secret is a sample, such as "deadbeef" eight times: fine in tests, known to everyone in production. */
const isSample = (text: string): boolean => {
  const lower = text.toLowerCase();
  // A text that consists of equal blocks, and no other, is equal to a rotation of itself.
  return (lower + lower).indexOf(lower, 1) < lower.length;
};

interface KeySettings {
  NODE_ENV: string;
  DATABASE_URL?: string | undefined;
  JWT_SECRET_KEY?: string | undefined;
  JWT_PREVIOUS_SECRET_KEYS: readonly string[];
  JWT_PRIVATE_KEY?: KeyObject | undefined;
}

/** Returns a sentence for each combination of keys with other settings that is not allowed. */
export const keyConflicts = (settings: KeySettings): string[] => {
  const problems: string[] = [];
  const production = settings.NODE_ENV === "production";
  const { JWT_SECRET_KEY: current, JWT_PRIVATE_KEY } = settings;
  const signs = current !== undefined || JWT_PRIVATE_KEY !== undefined;
  if (!signs && (production || settings.DATABASE_URL !== undefined)) {
    const reason = production ? "NODE_ENV=production" : "DATABASE_URL";
    problems.push(
      `JWT_SECRET_KEY is required with ${reason}, unless JWT_PRIVATE_KEY is set ${howToCreate}`,
    );
  }
  if (production && current !== undefined && isSample(current))
    problems.push(`JWT_SECRET_KEY must be random ${howToCreate}`);
  if (production && settings.JWT_PREVIOUS_SECRET_KEYS.some(isSample))
    problems.push(`JWT_PREVIOUS_SECRET_KEYS must be random ${howToCreate}`);
  return problems;
};
