import type { FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../config.ts";
import type { Call } from "../services/context.ts";

const cookieName = "refresh_token";

/** Each token costs a verification. A browser has one for each host and path that set one. */
const maxTokens = 4;

/**
 * Returns the values of the cookies with the name: the first four that differ and are not empty. @fastify/cookie keeps
 * only the first value of a name, and another host or path may have set that one (RFC 6265 §8.6).
 */
const tokensIn = (header: string | undefined): string[] => {
  const tokens = (header ?? "").split(";").flatMap((pair) => {
    const [name = "", ...value] = pair.split("=");
    const text = value.join("=").trim();
    return name.trim() === cookieName ? [text.replace(/^"(.*)"$/, "$1")] : [];
  });
  return [...new Set(tokens)].filter((token) => token !== "").slice(0, maxTokens);
};

/**
 * Reads the refresh token's cookie from a request, and sets it on its response (CONTRACT.md, "Sign-in").
 * @param path the transport's own path, so that a browser sends the cookie back to the transport that set it
 */
export const refreshCookie = (
  { cookieSecure, cookieSameSite, refreshTokenTtl }: Config,
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
): Call["refreshCookie"] => {
  const set = (value: string, maxAge: number): void => {
    const cookie = reply.server.serializeCookie(cookieName, value, {
      path,
      httpOnly: true,
      secure: cookieSecure,
      sameSite: cookieSameSite,
      // Browsers that block the cookies of other sites keep one that belongs to the page's site alone (CHIPS).
      partitioned: cookieSameSite === "none",
      maxAge,
    });
    // Of several calls of a batch, the last one decides. Not `setCookie`, which is too late for a streamed batch.
    reply.removeHeader("Set-Cookie").header("Set-Cookie", cookie);
  };
  return {
    // Not a getter: for each object with one, V8 keeps what it refers to, a whole request, until a full garbage collection.
    read: () => tokensIn(request.headers.cookie),
    set: (token) => set(token, refreshTokenTtl),
    clear: () => set("", 0),
  };
};
