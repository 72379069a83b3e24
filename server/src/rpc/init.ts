import { type ErrorBody, errors } from "@taskwire/shared";
import { initTRPC } from "@trpc/server";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import type { Context } from "./context.ts";
import type { Meta } from "./meta.ts";
import { statusOf, translateError } from "./translate-error.ts";

/** tRPC itself. Only middleware/ and trpc.ts use it, so that no procedure can be built without the middleware. */
export const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    isDev: false,
    errorFormatter: ({ shape, error, ctx }) => {
      const { code, detail, body } = translateError(error, ctx?.call.fieldNames);
      const data: ErrorBody & { httpStatus: number } = { ...body, httpStatus: statusOf(code) };
      return { ...shape, message: detail, code: TRPC_ERROR_CODES_BY_KEY[errors[code].trpc], data };
    },
  });
