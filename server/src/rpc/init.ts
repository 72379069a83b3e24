import { type ErrorBody, errors } from "@taskwire/shared";
import { initTRPC } from "@trpc/server";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import type { Context } from "./context.ts";
import type { Meta } from "./meta.ts";
import { statusOf, translateError } from "./translate-error.ts";

/** The `error.data` of a tRPC client. */
interface ErrorData extends ErrorBody {
  httpStatus: number;
  /** Seconds until the caller may retry, 1 or more. */
  retryAfter?: number;
}

/** tRPC itself. Only middleware/ and trpc.ts use it, so that no procedure can be built without the middleware. */
export const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    isDev: false,
    errorFormatter: ({ shape, error, ctx }) => {
      const { code, detail, body, retryAfter } = translateError(error, ctx?.call.fieldNames);
      const data: ErrorData = { ...body, httpStatus: statusOf(code) };
      // In a batch, the header cannot say which call it belongs to.
      if (retryAfter !== undefined) data.retryAfter = retryAfter;
      return { ...shape, message: detail, code: TRPC_ERROR_CODES_BY_KEY[errors[code].trpc], data };
    },
  });
