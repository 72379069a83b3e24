import { randomUUID } from "node:crypto";
import { AppError } from "@taskwire/shared";
import type { Deps } from "../deps.ts";
import type { Identity } from "../security/tokens.ts";
import { callWithoutClient } from "../services/context.ts";
import { appRouter } from "./router.ts";
import { createCallerFactory } from "./trpc.ts";

/** The user of a direct call, such as the result of `auth.register`. */
export type SignedIn = Omit<Identity, "sid"> & Partial<Identity>;

const createCaller = createCallerFactory(appRouter);

/**
 * Creates a caller for procedures without a server, for integration tests: with the same checks, limits and errors as
 * over HTTP. An error is a TRPCError whose `cause` is the AppError. The caller keeps the refresh token's cookie.
 * @param user the signed-in user; undefined for an anonymous caller. Without `sid`, a session that is not in the database
 * @param address the client's address, for the rate limits
 */
export const callerFor = (deps: Deps, user?: SignedIn, address = "127.0.0.1") => {
  let cookie: string | undefined;
  const identity = user && { sid: randomUUID(), ...user };
  return createCaller({
    deps,
    call: {
      ...callWithoutClient(deps),
      address,
      identify: async () => {
        if (identity === undefined) throw new AppError("MISSING_TOKEN");
        if (deps.revocations.has(identity.sid)) throw new AppError("INVALID_TOKEN");
        return identity;
      },
      refreshCookie: {
        read: () => (cookie === undefined ? [] : [cookie]),
        set: (token) => {
          cookie = token;
        },
        clear: () => {
          cookie = undefined;
        },
      },
    },
  });
};
