import type { ErrorBody } from "@taskwire/shared/errors";
import type { TRPCBuiltRouter, TRPCDefaultErrorShape } from "@trpc/server";
import type { Procedures } from "./api.generated.ts";

/** The `error.data` of a call that the server rejected. */
export interface ErrorData extends ErrorBody {
  httpStatus: number;
  /** Seconds until the server allows another attempt, for a call over a limit or an unavailable server. */
  retryAfter?: number;
}

interface ErrorShape extends Omit<TRPCDefaultErrorShape, "data"> {
  data: ErrorData;
}

/** The API as a tRPC router type, for libraries that require one, such as `@trpc/tanstack-react-query`. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: false },
  // A mapped type, because tRPC requires an index signature, which an interface does not have.
  { [Name in keyof Procedures]: Procedures[Name] }
>;
