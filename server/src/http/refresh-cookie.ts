import type { FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../config.ts";
import type { Call } from "../services/context.ts";

const cookieName = "refresh_token";

/** Reads every cookie of the name. @fastify/cookie returns only the first, which need not be ours (RFC 6265 §8.6). */
const tokensIn = (header: string | undefined): string[] => {
  const tokens = (header ?? "").split(";").flatMap((pair) => {
    const [name = "", ...value] = pair.split("=");
    const text = value.join("=").trim();
    return name.trim() === cookieName ? [text.replace(/^"(.*)"$/, "$1")] : [];
  });
  return [...new Set(tokens)].filter((token) => token !== "");
};

/**
 * The refresh token's cookie of an HTTP request and its response (CONTRACT.md, "Sign-in").
 * @param path the transport's own path, so that a browser sends the cookie back to the transport that set it
 */
export const refreshCookie = (
  { cookieSecure, refreshTokenTtl }: Config,
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
): Call["refreshCookie"] => {
  const set = (value: string, maxAge: number): void => {
    reply.setCookie(cookieName, value, {
      path,
      httpOnly: true,
      secure: cookieSecure,
      sameSite: "strict",
      maxAge,
    });
  };
  return {
    get values() {
      return tokensIn(request.headers.cookie);
    },
    set: (token) => set(token, refreshTokenTtl),
    clear: () => set("", 0),
  };
};
