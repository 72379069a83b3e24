import { AppError } from "@taskwire/shared";
import type { Database } from "../db/orm.ts";
import type { Deps } from "../deps.ts";
import type { RequestRecord } from "../log/request-record.ts";
import type { Identity } from "../security/tokens.ts";

/** The refresh token's cookie, wherever the transport keeps it. */
interface RefreshCookie {
  /**
   * Returns the tokens that the caller sent, at most four: a browser sends several where another host or path set a cookie of
   * the same name.
   */
  read: () => readonly string[];
  set: (token: string) => void;
  clear: () => void;
}

/**
 * One call, as its transport describes it. A new field is added here, with its value for a call without a client, and
 * in http/call-context.ts.
 */
export interface Call {
  /** How the call came in: "direct" without HTTP. */
  transport: "trpc" | "rest" | "direct";
  /** Carries the request's id in every line. */
  log: Pick<Deps["log"], "debug" | "info" | "warn" | "error">;
  /** What the request's log line says about its calls; undefined for a call without a request. */
  record: RequestRecord | undefined;
  /** The client's address. Behind a proxy it is correct only if TRUST_PROXY is. */
  address: string;
  /** The client's own name for itself, if it sent one. A function, because few calls read it. */
  device: () => string | undefined;
  /** Aborts when the client disconnects before it has its response. A function, because few calls read it. */
  signal: () => AbortSignal;
  /** Whether a page of a foreign origin makes the call. */
  foreignOrigin: boolean;
  /**
   * Reads the caller's identity from the access token.
   * @throws {AppError} MISSING_TOKEN, INVALID_TOKEN, INVALID_TOKEN_TYPE, TOKEN_EXPIRED
   */
  identify: () => Promise<Identity>;
  /** The same, also of a revoked session. It identifies no caller: only `identify` does. */
  readToken: () => Promise<Identity>;
  refreshCookie: RefreshCookie;
  /** Adds a header to the response, where the transport has headers. */
  setHeader: (name: string, value: string) => void;
  /** Input fields that the transport calls by another name: the schema's name to the transport's. */
  fieldNames: Readonly<Record<string, string>>;
  /** Marks a call that changed nothing, because its target was already in that state: REST responds with 200 instead of 201. */
  markUnchanged: () => void;
}

/** What a service works with: the server's parts, the call, and the query builder. */
export interface ServiceContext {
  deps: Deps;
  call: Call;
  db: Database;
}

/** The same for a signed-in caller. */
export interface UserContext extends ServiceContext {
  user: Identity;
}

/** A call that no client made: it has no token, no cookie and no connection that could close. */
export const callWithoutClient = ({ log }: Pick<Deps, "log">): Call => ({
  transport: "direct",
  log,
  record: undefined,
  address: "127.0.0.1",
  device: () => undefined,
  signal: () => new AbortController().signal,
  foreignOrigin: false,
  identify: () => Promise.reject(new AppError("MISSING_TOKEN")),
  readToken: () => Promise.reject(new AppError("MISSING_TOKEN")),
  refreshCookie: { read: () => [], set: () => {}, clear: () => {} },
  setHeader: () => {},
  fieldNames: {},
  markUnchanged: () => {},
});

/** The context of work that the server itself starts. */
export const systemContext = (deps: Deps, db: Database): ServiceContext => ({
  deps,
  call: callWithoutClient(deps),
  db,
});
