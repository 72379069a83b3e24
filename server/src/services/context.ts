import type { Database } from "../db/orm.ts";
import type { Deps } from "../deps.ts";
import type { Identity } from "../security/tokens.ts";

/** The refresh token's cookie, wherever the transport keeps it. */
interface RefreshCookie {
  /** The tokens that the caller sent: a browser sends several where another host or path set one of the same name. */
  readonly values: readonly string[];
  set: (token: string) => void;
  clear: () => void;
}

/** What a service may use: one fresh database handle for each call, and the shared parts. */
export interface ServiceContext extends Pick<
  Deps,
  "config" | "clock" | "passwords" | "tokens" | "rateLimits" | "revocations"
> {
  db: Database;
  /** Carries the request's id in every line. */
  log: Pick<Deps["log"], "debug" | "info" | "warn" | "error">;
  /** The client's address, as far as TRUST_PROXY lets it be told. */
  address: string;
  /** What the client calls itself, if it does. A function, because few calls want it. */
  device: () => string | undefined;
  /** Fires when the client leaves before it is answered. A function, because few calls want it. */
  signal: () => AbortSignal;
  refreshCookie: RefreshCookie;
  /** Tells the transport that what was asked for was so already: REST answers 200 instead of 201. */
  markUnchanged: () => void;
}

/** The same, where somebody is signed in. */
export interface UserContext extends ServiceContext {
  user: Identity;
}

/** For work that no client asked for: there is nobody to give a cookie to, and nobody who leaves. */
export const systemContext = (deps: Deps, db: Database): ServiceContext => ({
  ...deps,
  db,
  address: "127.0.0.1",
  device: () => undefined,
  signal: () => new AbortController().signal,
  refreshCookie: { values: [], set: () => {}, clear: () => {} },
  markUnchanged: () => {},
});
