import { AppError } from "@taskwire/shared";
import { errors as jose, jwtVerify, SignJWT } from "jose";
import { z } from "zod";

export type TokenType = "access" | "refresh";

/** Who a token speaks for. */
export interface Identity {
  /** User id, a UUID. */
  id: string;
  email: string;
}

export interface Tokens {
  /** Signs a token of the type, valid from now for the type's lifetime. */
  sign: (type: TokenType, identity: Identity) => Promise<string>;
  /**
   * Whom a token speaks for.
   * @throws {AppError} INVALID_TOKEN, INVALID_TOKEN_TYPE, or TOKEN_EXPIRED (a refresh token: REFRESH_TOKEN_EXPIRED)
   */
  verify: (type: TokenType, token: string) => Promise<Identity>;
}

interface TokenOptions {
  /** At least 64 hex characters; the key is this text itself, not the bytes it spells (CONTRACT.md, "Sign-in"). */
  secret: string;
  /** Lifetimes in seconds. */
  ttl: Readonly<Record<TokenType, number>>;
  clock: () => Date;
}

/** Seconds by which the clocks of two machines may differ. */
const clockTolerance = 5;

// Three non-empty base64url parts, and nothing else that a lenient decoder would also take.
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const claims = z.object({
  sub: z.guid(),
  email: z.string(),
  type: z.enum(["access", "refresh"]),
  exp: z.int(),
  iat: z.int(),
});

/** Signs and checks the two JWTs (CONTRACT.md, "Sign-in"; RFC 8725: one pinned algorithm, required claims, own types). */
export const createTokens = async (options: TokenOptions): Promise<Tokens> => {
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(options.secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );

  const payloadOf = async (type: TokenType, token: string): Promise<unknown> => {
    if (!compactJws.test(token)) throw new AppError("INVALID_TOKEN");
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["HS256"],
        requiredClaims: ["sub", "email", "type", "iat", "exp"],
        maxTokenAge: options.ttl[type],
        clockTolerance,
        currentDate: options.clock(),
      });
      return payload;
    } catch (error) {
      if (!(error instanceof jose.JOSEError)) throw error;
      if (!(error instanceof jose.JWTExpired))
        throw new AppError("INVALID_TOKEN", { cause: error });
      // A token of the other type is that first, and only then too old for its own type's lifetime.
      if (error.payload["type"] !== type) return error.payload;
      throw new AppError(type === "access" ? "TOKEN_EXPIRED" : "REFRESH_TOKEN_EXPIRED", {
        cause: error,
      });
    }
  };

  return {
    sign: (type, identity) => {
      const now = Math.floor(options.clock().getTime() / 1000);
      return new SignJWT({ email: identity.email, type })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setSubject(identity.id)
        .setIssuedAt(now)
        .setExpirationTime(now + options.ttl[type])
        .sign(key);
    },
    verify: async (type, token) => {
      const { data } = claims.safeParse(await payloadOf(type, token));
      if (data === undefined) throw new AppError("INVALID_TOKEN");
      if (data.type !== type) throw new AppError("INVALID_TOKEN_TYPE");
      return { id: data.sub, email: data.email };
    },
  };
};
