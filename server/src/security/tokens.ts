import { AppError } from "@taskwire/shared";
import {
  errors as jose,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
  SignJWT,
} from "jose";
import { z } from "zod";
import type { Keys } from "./keys.ts";
import { createVerifiedTokens } from "./verified-tokens.ts";

/** The user and the session that a token identifies. */
export interface Identity {
  /** User id, a UUID. */
  id: string;
  email: string;
  /** Session id, a UUID: each sign-in opens a session. */
  sid: string;
}

/** The identity in a refresh token. */
export interface RefreshIdentity extends Identity {
  /** How often the session was rotated before this token, 0 or more. */
  generation: number;
}

/** The validity of a token, in whole seconds since 1970. */
interface Lifetime {
  issuedAt: number;
  expiresAt: number;
}

export interface Tokens {
  /**
   * Signs an access token that is valid from now.
   * @param sessionEnd seconds since 1970, which the token does not outlive
   */
  signAccess: (identity: Identity, sessionEnd?: number) => Promise<string>;
  /** Signs a refresh token. The same arguments always return the same text. */
  signRefresh: (identity: RefreshIdentity, lifetime: Lifetime) => Promise<string>;
  /**
   * Verifies an access token, and returns the identity in it. It remembers the result for the same text, but not its validity
   * in time, and not whether the session is revoked.
   * @throws {AppError} INVALID_TOKEN, INVALID_TOKEN_TYPE, TOKEN_EXPIRED
   */
  verifyAccess: (token: string) => Promise<Readonly<Identity>>;
  /**
   * Verifies a refresh token, and returns the identity in it. It does not check whether the session is revoked.
   * @throws {AppError} INVALID_TOKEN, INVALID_TOKEN_TYPE, REFRESH_TOKEN_EXPIRED
   */
  verifyRefresh: (token: string) => Promise<RefreshIdentity>;
}

type TokenType = "access" | "refresh";

interface TokenOptions {
  keys: Keys;
  /** The maximum lifetime of each type, in seconds. */
  ttl: Readonly<Record<TokenType, number>>;
  clock: () => Date;
  /** The claim `iss` of all tokens. If unset, tokens have none, and any is accepted. */
  issuer?: string | undefined;
  /** The claim `aud` of all tokens. A list that contains it is accepted too (RFC 7519 §4.1.3). The same if unset. */
  audience?: string | undefined;
}

/** Seconds by which the clocks of two machines may differ. */
export const clockTolerance = 5;

// Exactly three non-empty base64url parts: a lenient decoder would accept more.
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const typeClaim = z.object({ type: z.enum(["access", "refresh"]) });
const commonClaims = {
  sub: z.guid(),
  email: z.string(),
  sid: z.guid(),
  exp: z.int(),
  iat: z.int(),
};
const accessClaims = z.object({ ...commonClaims, nbf: z.unknown().optional() });
const refreshClaims = z.object({ ...commonClaims, gen: z.int().min(0) });

/**
 * Creates the functions that sign and verify both types of JWT (CONTRACT.md, "Sign-in"). As RFC 8725 recommends, they
 * accept the algorithms of the server's own keys only, require the claims, and tell the types apart.
 */
export const createTokens = (options: TokenOptions): Tokens => {
  const claims: JWTPayload = {};
  if (options.issuer !== undefined) claims.iss = options.issuer;
  if (options.audience !== undefined) claims.aud = options.audience;
  const { signing, verifying } = options.keys;
  const { alg, kid } = signing;
  const protectedHeader = { alg, typ: "JWT", ...(kid === undefined ? {} : { kid }) };
  const algorithms = [...verifying.keys()];

  /** Verifies with the server's own keys, whatever the header offers. Of several secrets, each is tried in turn. */
  const verify = async (token: string, rules: JWTVerifyOptions): Promise<JWTPayload> => {
    let next = 0;
    let candidates = 0;
    const nextKey = (header: JWTHeaderParameters) => {
      const keys = (verifying.get(header.alg) ?? []).filter(
        (key) => key.kid === undefined || header.kid === undefined || key.kid === header.kid,
      );
      candidates = keys.length;
      const key = keys[next++]?.key;
      if (key === undefined) throw new jose.JWKSNoMatchingKey();
      return key;
    };
    for (;;) {
      try {
        return (await jwtVerify(token, nextKey, { ...rules, algorithms })).payload;
      } catch (error) {
        const isWrongKey = error instanceof jose.JWSSignatureVerificationFailed;
        if (!isWrongKey || next >= candidates) throw error;
      }
    }
  };

  const payloadOf = async (type: TokenType, token: string): Promise<unknown> => {
    if (!compactJws.test(token)) throw new AppError("INVALID_TOKEN");
    try {
      return await verify(token, {
        requiredClaims: ["sub", "email", "type", "iat", "exp"],
        ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
        ...(options.audience === undefined ? {} : { audience: options.audience }),
        maxTokenAge: options.ttl[type],
        clockTolerance,
        currentDate: options.clock(),
      });
    } catch (error) {
      if (!(error instanceof jose.JOSEError)) throw error;
      if (!(error instanceof jose.JWTExpired))
        throw new AppError("INVALID_TOKEN", { cause: error });
      // The wrong type is reported before the age: maxTokenAge above is that of the expected type.
      if (error.payload["type"] !== type) return error.payload;
      throw new AppError(type === "access" ? "TOKEN_EXPIRED" : "REFRESH_TOKEN_EXPIRED", {
        cause: error,
      });
    }
  };

  const claimsOf = async <Claims>(
    type: TokenType,
    schema: z.ZodType<Claims>,
    token: string,
  ): Promise<Claims> => {
    const payload = await payloadOf(type, token);
    const typed = typeClaim.safeParse(payload);
    if (typed.success && typed.data.type !== type) throw new AppError("INVALID_TOKEN_TYPE");
    const { data } = schema.safeParse(payload);
    if (!typed.success || data === undefined) throw new AppError("INVALID_TOKEN");
    return data;
  };

  const sign = (typeClaims: JWTPayload, { id, email, sid }: Identity, lifetime: Lifetime) =>
    new SignJWT({ email, ...typeClaims, sid, ...claims })
      .setProtectedHeader(protectedHeader)
      .setSubject(id)
      .setIssuedAt(lifetime.issuedAt)
      .setExpirationTime(lifetime.expiresAt)
      .sign(signing.key);

  const remembered = createVerifiedTokens(
    { maxAge: options.ttl.access, clockTolerance },
    options.clock,
  );

  return {
    signAccess: (identity, sessionEnd = Infinity) => {
      const issuedAt = Math.floor(options.clock().getTime() / 1000);
      const expiresAt = Math.min(issuedAt + options.ttl.access, sessionEnd);
      return sign({ type: "access" }, identity, { issuedAt, expiresAt });
    },
    signRefresh: (identity, lifetime) =>
      sign({ type: "refresh", gen: identity.generation }, identity, lifetime),
    verifyAccess: async (token) => {
      const known = remembered.find(token);
      if (known !== undefined) return known;
      const { sub: id, email, sid, iat, exp, nbf } = await claimsOf("access", accessClaims, token);
      const identity = Object.freeze({ id, email, sid });
      // Only a token without `nbf` has no further rule in time. This server signs no other.
      if (nbf === undefined) remembered.add(token, { identity, iat, exp });
      return identity;
    },
    verifyRefresh: async (token) => {
      const {
        sub: id,
        email,
        sid,
        gen: generation,
      } = await claimsOf("refresh", refreshClaims, token);
      return { id, email, sid, generation };
    },
  };
};
