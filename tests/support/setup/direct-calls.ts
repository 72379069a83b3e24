import { callerFor, type SignedIn } from "@taskwire/server/rpc/caller.ts";
import { createTestDeps, type DepsOptions, type TestDeps } from "./server.ts";

/** Procedures without a server: the same checks, limits and errors as over HTTP. */
export interface DirectCalls extends TestDeps {
  /**
   * Calls as somebody; the refresh token's cookie lives as long as the caller.
   * @param user who is signed in, such as what `auth.register` gave; without one, nobody is
   * @param address the client's address, by which limits count
   */
  caller: (user?: SignedIn, address?: string) => ReturnType<typeof callerFor>;
  close: () => Promise<void>;
}

/** Direct calls on a database of their own, with a clock that the test brings or moves. */
export const startDirectCalls = async (options?: DepsOptions): Promise<DirectCalls> => {
  const test = await createTestDeps(options);
  return {
    ...test,
    caller: (user, address) => callerFor(test.deps, user, address),
    close: () => test.deps.close(),
  };
};
