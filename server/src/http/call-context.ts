import { AppError } from "@taskwire/shared";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { recordOf } from "../log/request-record.ts";
import type { Context } from "../rpc/context.ts";
import type { Identity } from "../security/tokens.ts";
import { isForeign } from "./origins.ts";
import { refreshCookie } from "./refresh-cookie.ts";

/** Characters, several times those of an access token. */
const maxAuthorizationLength = 4096;

/** Nearly every header. What it does not match may still have a token. */
const plainBearer = /^Bearer [\w.-]+$/;

/**
 * Returns the token of an Authorization header.
 * @throws {AppError} MISSING_TOKEN, INVALID_TOKEN
 */
const tokenIn = (authorization = ""): string => {
  if (authorization.length <= maxAuthorizationLength && plainBearer.test(authorization))
    return authorization.slice("Bearer ".length);
  const [scheme = ""] = authorization.split(" ", 1);
  if (scheme.toLowerCase() !== "bearer") throw new AppError("MISSING_TOKEN");
  if (authorization.length > maxAuthorizationLength) throw new AppError("INVALID_TOKEN");
  const rest = authorization.slice(scheme.length);
  const token = /^ +(?<token>\S(?:.*\S)?) *$/.exec(rest)?.groups?.["token"];
  if (token === undefined) throw new AppError("MISSING_TOKEN");
  return token;
};

const verify = async (deps: Deps, authorization: string | undefined): Promise<Identity> =>
  deps.tokens.verifyAccess(tokenIn(authorization));

/** Characters. */
const maxDeviceLength = 200;

/** Returns the User-Agent header as printable ASCII, which PostgreSQL can store and a terminal can show. */
const deviceIn = (header: string | undefined): string | undefined =>
  header
    ?.replaceAll(/[^\x20-\x7e]/g, " ")
    .trim()
    .slice(0, maxDeviceLength) || undefined;

/** Returns a signal that aborts when the connection closes before the response is sent. */
const disconnectSignal = ({ raw }: FastifyReply): AbortSignal => {
  const controller = new AbortController();
  const close = (): void => {
    if (!raw.writableFinished) controller.abort();
  };
  if (raw.destroyed) close();
  else raw.once("close", close);
  return controller.signal;
};

/**
 * Creates the context for the calls of an HTTP request. The access token is verified only when a procedure requires it,
 * so that an expired one does not break a refresh.
 * @param cookiePath the transport's own path for the refresh cookie
 * @param transport the transport's name, for metrics and traces
 */
export const httpContext = (
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  cookiePath: string,
  transport: "trpc" | "rest",
): Context => {
  let verified: Promise<Identity> | undefined;
  const readToken = (): Promise<Identity> =>
    (verified ??= verify(deps, request.headers.authorization));
  const record = recordOf(request);
  let signal: AbortSignal | undefined;
  return {
    deps,
    call: {
      transport,
      log: request.log,
      record,
      address: request.ip,
      device: () => deviceIn(request.headers["user-agent"]),
      signal: () => (signal ??= disconnectSignal(reply)),
      foreignOrigin: isForeign(deps.config, request),
      identify: async () => {
        const identity = await readToken();
        if (deps.revocations.has(identity.sid)) throw new AppError("INVALID_TOKEN");
        record.userId = identity.id;
        return identity;
      },
      readToken,
      refreshCookie: refreshCookie(deps.config, request, reply, cookiePath),
      setHeader: (name, value) => void reply.header(name, value),
      fieldNames: {},
      markUnchanged: () => {},
    },
  };
};
