import type { CookieSerializeOptions } from "@fastify/cookie";
import { AppError } from "@taskwire/shared";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import type { Identity } from "../security/tokens.ts";
import type { ServiceContext } from "../services/context.ts";

/** What a transport tells the procedures about one caller. */
export interface Context extends Pick<
  ServiceContext,
  "log" | "address" | "device" | "signal" | "refreshCookie" | "markUnchanged"
> {
  deps: Deps;
  /** Whether a page of a foreign origin makes the call. */
  foreignOrigin: boolean;
  /**
   * Who is calling, by the access token.
   * @throws {AppError} MISSING_TOKEN, INVALID_TOKEN, INVALID_TOKEN_TYPE, TOKEN_EXPIRED
   */
  identify: () => Promise<Identity>;
  /** Adds a header to the answer, where the transport has headers. */
  header: (name: string, value: string) => void;
  /** The wire names of input fields that the transport calls otherwise. */
  fields?: Readonly<Record<string, string>> | undefined;
}

const cookieName = "refresh_token";

const identify = async (deps: Deps, authorization: string | undefined): Promise<Identity> => {
  const bearer = /^bearer +(?<token>.*\S) *$/i.exec(authorization ?? "")?.groups?.["token"];
  if (bearer === undefined) throw new AppError("MISSING_TOKEN");
  const identity = await deps.tokens.verifyAccess(bearer);
  if (deps.revocations.has(identity.sid)) throw new AppError("INVALID_TOKEN");
  return identity;
};

/** Every cookie of the name. @fastify/cookie gives the first alone, which need not be ours (RFC 6265 §8.6). */
const refreshTokensIn = (header: string | undefined): string[] => {
  const tokens = (header ?? "").split(";").flatMap((pair) => {
    const [name = "", ...value] = pair.split("=");
    const text = value.join("=").trim();
    return name.trim() === cookieName ? [text.replace(/^"(.*)"$/, "$1")] : [];
  });
  return [...new Set(tokens)].filter((token) => token !== "");
};

const maxDeviceLength = 200;

/** A browser's name for itself, as text that PostgreSQL stores and a terminal shows. */
const deviceIn = (header: string | undefined): string | undefined =>
  header
    ?.replaceAll(/[^\x20-\x7e]/g, " ")
    .trim()
    .slice(0, maxDeviceLength) || undefined;

/** Fires when the connection closes before the answer is out. */
const leaving = ({ raw }: FastifyReply): AbortSignal => {
  const controller = new AbortController();
  const leave = (): void => {
    if (!raw.writableFinished) controller.abort();
  };
  if (raw.destroyed) leave();
  else raw.once("close", leave);
  return controller.signal;
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
 * @param cookiePath the transport's own path, so that a browser sends the cookie back to the transport that set it
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
  let signal: AbortSignal | undefined;
  return {
    deps,
    log: request.log,
    address: request.ip,
    device: () => deviceIn(request.headers["user-agent"]),
    signal: () => (signal ??= leaving(reply)),
    foreignOrigin: isForeign(deps, request),
    refreshCookie: {
      get values() {
        return refreshTokensIn(request.headers.cookie);
      },
      set: (token) => cookie(token, deps.config.refreshTokenTtl),
      clear: () => cookie("", 0),
    },
    identify: () => (identity ??= identify(deps, request.headers.authorization)),
    markUnchanged: () => {},
    header: (name, value) => void reply.header(name, value),
  };
};
