import { randomUUID } from "node:crypto";
import { AppError } from "@taskwire/shared";
import type { Deps } from "../deps.ts";
import type { Identity } from "../security/tokens.ts";
import type { Context } from "../http/call-context.ts";
import { appRouter } from "./router.ts";
import { createCallerFactory } from "./trpc.ts";

/** Somebody as a direct caller names them, such as what `auth.register` gave. */
export type SignedIn = Omit<Identity, "sid"> & Partial<Identity>;

const createCaller = createCallerFactory(appRouter);

/**
 * Calls procedures without a server, as an integration test does: same checks, limits and errors as over HTTP.
 * A refusal is a TRPCError whose `cause` is the AppError. The refresh token's cookie lives as long as the caller.
 * @param user who is signed in; without one, nobody is. Without `sid`, in a session of which nobody else knows
 * @param address the client's address, by which limits count
 */
export const callerFor = (deps: Deps, user?: SignedIn, address = "127.0.0.1") => {
  let cookie: string | undefined;
  const identity = user && { sid: randomUUID(), ...user };
  const context: Context = {
    deps,
    log: deps.log,
    address,
    device: () => undefined,
    signal: () => new AbortController().signal,
    foreignOrigin: false,
    refreshCookie: {
      get values() {
        return cookie === undefined ? [] : [cookie];
      },
      set: (token) => {
        cookie = token;
      },
      clear: () => {
        cookie = undefined;
      },
    },
    identify: async () => {
      if (identity === undefined) throw new AppError("MISSING_TOKEN");
      if (deps.revocations.has(identity.sid)) throw new AppError("INVALID_TOKEN");
      return identity;
    },
    markUnchanged: () => {},
    header: () => {},
  };
  return createCaller(context);
};
