/** What the client reads in an access token. It does not verify it: only the server can. */
export interface TokenContent {
  userId: string;
  sessionId: string;
  /** Milliseconds from the issue to the expiry. */
  lifetime: number;
}

/** Reads the content of an access token: a JWT, whose second part is base64url (RFC 7519 §3). */
export const readToken = (token: string): TokenContent => {
  const [, payload = ""] = token.split(".");
  const json = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  // Safe: the server issues every access token with these claims (CONTRACT.md, "Sign-in").
  const { sub, sid, iat, exp } = JSON.parse(json) as Record<"sub" | "sid", string> &
    Record<"iat" | "exp", number>;
  return { userId: sub, sessionId: sid, lifetime: (exp - iat) * 1000 };
};
