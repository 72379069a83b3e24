import type { CookieSerializeOptions } from "@fastify/cookie";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { AppError } from "@taskwire/shared";
import type { Deps } from "../deps.ts";
import type { Identity } from "../security/tokens.ts";
import type { ServiceContext } from "../services/context.ts";

/** What a face tells the procedures about one caller. */
export interface Context extends Pick<ServiceContext, "refreshCookie" | "nothingNew"> {
  deps: Deps;
  /** Carries the request's id in every line. */
  log: FastifyBaseLogger;
  /** The client's address, as far as TRUST_PROXY lets it be told. */
  address: string;
  /** Whether a page of a foreign origin makes the call. */
  foreignOrigin: boolean;
  /**
   * Who is calling, by the access token.
   * @throws {AppError} MISSING_TOKEN, INVALID_TOKEN, INVALID_TOKEN_TYPE, TOKEN_EXPIRED
   */
  identify: () => Promise<Identity>;
  /** Adds a header to the answer, where the face has headers. */
  header: (name: string, value: string) => void;
  /** The wire names of input fields that the face calls otherwise. */
  fields?: Readonly<Record<string, string>> | undefined;
}

const cookieName = "refresh_token";

const identify = (deps: Deps, authorization: string | undefined): Promise<Identity> => {
  const bearer = /^bearer +(?<token>.*\S) *$/i.exec(authorization ?? "")?.groups?.["token"];
  if (bearer === undefined) return Promise.reject(new AppError("MISSING_TOKEN"));
  return deps.tokens.verify("access", bearer);
};

// No Origin header is no browser. The server's own pages (/docs) are never foreign, whatever name it is reached by.
const isForeign = (deps: Deps, { headers, host, protocol }: FastifyRequest): boolean => {
  const { corsOrigins } = deps.config;
  if (headers.origin === undefined || headers["sec-fetch-site"] === "same-origin") return false;
  if (headers.origin === `${protocol}://${host}`) return false;
  return !corsOrigins.includes("*") && !corsOrigins.includes(headers.origin);
};

/**
 * The context of an HTTP request. It identifies lazily and never rejects: a stale header must not break refresh.
 * @param cookiePath the face's own path, so that a browser sends the cookie back to the face that set it
 */
export const httpContext = (
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  cookiePath: string,
): Context => {
  const attributes: CookieSerializeOptions = {
    path: cookiePath,
    httpOnly: true,
    secure: deps.config.cookieSecure,
    sameSite: "strict",
  };
  const cookie = (value: string, maxAge: number): void => {
    reply.setCookie(cookieName, value, { ...attributes, maxAge });
  };
  let identity: Promise<Identity> | undefined;
  return {
    deps,
    log: request.log,
    address: request.ip,
    foreignOrigin: isForeign(deps, request),
    refreshCookie: {
      value: request.cookies[cookieName],
      set: (token) => cookie(token, deps.config.refreshTokenTtl),
      clear: () => cookie("", 0),
    },
    identify: () => (identity ??= identify(deps, request.headers.authorization)),
    nothingNew: () => {},
    header: (name, value) => void reply.header(name, value),
  };
};
