import type { ErrorBody } from "@taskwire/shared/errors";
// The index of tRPC 11.0 lacks these two. The declarations of every app's own router refer to this module, in any 11.
import type { BuiltRouter, DefaultErrorShape } from "@trpc/server/unstable-core-do-not-import";
import type { Procedures } from "./api.generated.ts";

/** The `error.data` of a call that the server rejected. */
export interface ErrorData extends ErrorBody {
  httpStatus: number;
  /** Seconds until the server allows another attempt, for a call over a limit or an unavailable server. */
  retryAfter?: number;
}

interface ErrorShape extends Omit<DefaultErrorShape, "data"> {
  data: ErrorData;
}

/** The API as a tRPC router type, for libraries that require one, such as `@trpc/tanstack-react-query`. */
export type AppRouter = BuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: false },
  // A mapped type, because tRPC requires an index signature, which an interface does not have.
  { [Name in keyof Procedures]: Procedures[Name] }
>;
