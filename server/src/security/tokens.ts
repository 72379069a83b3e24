import { AppError } from "@taskwire/shared";
import { errors as jose, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { z } from "zod";

/** Who a token speaks for. */
export interface Identity {
  /** User id, a UUID. */
  id: string;
  email: string;
  /** Session id, a UUID: the sign-in that the token came of. */
  sid: string;
}

/** What a refresh token says beside that. */
export interface RefreshIdentity extends Identity {
  /** How many tokens of the session came before it, 0 or more. */
  generation: number;
}

/** When a token is good, in whole seconds since 1970. */
interface Lifetime {
  issuedAt: number;
  expiresAt: number;
}

export interface Tokens {
  /** Signs an access token, valid from now. */
  signAccess: (identity: Identity) => Promise<string>;
  /** Signs a refresh token: the same text whenever it is given the same. */
  signRefresh: (identity: RefreshIdentity, lifetime: Lifetime) => Promise<string>;
  /**
   * Whom an access token speaks for.
   * @throws {AppError} INVALID_TOKEN, INVALID_TOKEN_TYPE, TOKEN_EXPIRED
   */
  verifyAccess: (token: string) => Promise<Identity>;
  /**
   * The same for a refresh token; whether its session lives is for the session to say.
   * @throws {AppError} INVALID_TOKEN, INVALID_TOKEN_TYPE, REFRESH_TOKEN_EXPIRED
   */
  verifyRefresh: (token: string) => Promise<RefreshIdentity>;
}

type TokenType = "access" | "refresh";

interface TokenOptions {
  /** At least 64 hex characters; the key is this text itself, not the bytes it spells (CONTRACT.md, "Sign-in"). */
  secret: string;
  /** Lifetimes in seconds: no token of a type is good for longer. */
  ttl: Readonly<Record<TokenType, number>>;
  clock: () => Date;
}

/** Seconds by which the clocks of two machines may differ. */
export const clockTolerance = 5;

// Three non-empty base64url parts, and nothing else that a lenient decoder would also take.
const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const typed = z.object({ type: z.enum(["access", "refresh"]) });
const common = { sub: z.guid(), email: z.string(), sid: z.guid(), exp: z.int(), iat: z.int() };
const accessClaims = z.object(common);
const refreshClaims = z.object({ ...common, gen: z.int().min(0) });

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

  const claimsOf = async <Claims>(
    type: TokenType,
    schema: z.ZodType<Claims>,
    token: string,
  ): Promise<Claims> => {
    const payload = await payloadOf(type, token);
    const kind = typed.safeParse(payload);
    if (kind.success && kind.data.type !== type) throw new AppError("INVALID_TOKEN_TYPE");
    const { data } = schema.safeParse(payload);
    if (!kind.success || data === undefined) throw new AppError("INVALID_TOKEN");
    return data;
  };

  const sign = (claim: JWTPayload, { id, email, sid }: Identity, lifetime: Lifetime) =>
    new SignJWT({ email, ...claim, sid })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setSubject(id)
      .setIssuedAt(lifetime.issuedAt)
      .setExpirationTime(lifetime.expiresAt)
      .sign(key);

  return {
    signAccess: (identity) => {
      const issuedAt = Math.floor(options.clock().getTime() / 1000);
      const expiresAt = issuedAt + options.ttl.access;
      return sign({ type: "access" }, identity, { issuedAt, expiresAt });
    },
    signRefresh: (identity, lifetime) =>
      sign({ type: "refresh", gen: identity.generation }, identity, lifetime),
    verifyAccess: async (token) => {
      const { sub: id, email, sid } = await claimsOf("access", accessClaims, token);
      return { id, email, sid };
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
