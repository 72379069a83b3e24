import { AppError } from "@taskwire/shared";
import type { Deps } from "../deps.ts";
import type { Identity } from "../security/tokens.ts";
import type { Context } from "./context.ts";
import { appRouter } from "./router.ts";
import { createCallerFactory } from "./trpc.ts";

const createCaller = createCallerFactory(appRouter);

/**
 * Calls procedures without a server, as an integration test does: same checks, limits and errors as over HTTP.
 * A refusal is a TRPCError whose `cause` is the AppError. The refresh token's cookie lives as long as the caller.
 * @param user who is signed in; without one, nobody is
 * @param address the client's address, by which limits count
 */
export const callerFor = (deps: Deps, user?: Identity, address = "127.0.0.1") => {
  let cookie: string | undefined;
  const context: Context = {
    deps,
    log: deps.log,
    address,
    foreignOrigin: false,
    refreshCookie: {
      get value() {
        return cookie;
      },
      set: (token) => {
        cookie = token;
      },
      clear: () => {
        cookie = undefined;
      },
    },
    identify: () =>
      user === undefined ? Promise.reject(new AppError("MISSING_TOKEN")) : Promise.resolve(user),
    nothingNew: () => {},
    header: () => {},
  };
  return createCaller(context);
};
