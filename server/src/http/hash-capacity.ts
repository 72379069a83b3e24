import type { AnyTRPCProcedure } from "@trpc/server";
import type { Deps } from "../deps.ts";
import { metaOf } from "../rpc/meta.ts";

/**
 * Rejects a request that would hash a password, before its body is read, if the queue for hashing has no slot of its kind.
 * @param procedures the procedures that the request names
 * @throws {AppError} SERVICE_UNAVAILABLE
 */
export const assertHashCapacity = (
  { passwords }: Deps,
  procedures: readonly AnyTRPCProcedure[],
): void => {
  for (const procedure of procedures) {
    const { hashes } = metaOf(procedure);
    if (hashes !== undefined) passwords.assertCapacity(hashes);
  }
};
