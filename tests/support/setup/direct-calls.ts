import { callerFor, type SignedIn } from "@taskwire/server/rpc/caller.ts";
import { createTestDeps, type DepsOptions, type TestDeps } from "./server.ts";

/** Procedures without a server: the same checks, limits and errors as over HTTP. */
export interface DirectCalls extends TestDeps {
  /**
   * Creates a caller of procedures; it keeps the cookie of its refresh token.
   * @param user the signed-in user, such as the result of `auth.register`; undefined for an anonymous caller
   * @param address the client's address, by which rate limits count
   */
  caller: (user?: SignedIn, address?: string) => ReturnType<typeof callerFor>;
  close: () => Promise<void>;
}

/** Creates what direct calls need: by default a database of their own, and a clock that only the test advances. */
export const startDirectCalls = async (options?: DepsOptions): Promise<DirectCalls> => {
  const test = await createTestDeps(options);
  return {
    ...test,
    caller: (user, address) => callerFor(test.deps, user, address),
    close: () => test.deps.close(),
  };
};
