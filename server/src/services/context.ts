import type { Database } from "../db/orm.ts";
import type { Deps } from "../deps.ts";
import type { Identity } from "../security/tokens.ts";

/** The refresh token's cookie, wherever the face keeps it. */
interface RefreshCookie {
  /** The token that the caller sent, if any. */
  readonly value: string | undefined;
  set: (token: string) => void;
  clear: () => void;
}

/** What a service may use: one fresh database handle for each call, and the shared parts. */
export interface ServiceContext extends Pick<Deps, "clock" | "passwords" | "tokens"> {
  db: Database;
  refreshCookie: RefreshCookie;
  /** Tells the face that what was asked for was so already: REST answers 200 instead of 201. */
  nothingNew: () => void;
}

/** The same, where somebody is signed in. */
export interface UserContext extends ServiceContext {
  user: Identity;
}
