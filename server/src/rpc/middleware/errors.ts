import { AppError, errors as errorTable } from "@taskwire/shared";
import { TRPCError } from "@trpc/server";
import { isSchemaMissing } from "../../db/failures.ts";
import { serviceUnavailable } from "../../errors.ts";
import { logEvent } from "../../log/events.ts";
import { millisecondsSince } from "../../log/request-record.ts";
import { LimitTrip } from "../../security/limit-trips.ts";
import type { Call } from "../../services/context.ts";
import type { Context } from "../context.ts";
import type { Meta } from "../meta.ts";
import { statusOf, translateError } from "../translate-error.ts";
import type { Concern } from "./chain.ts";

/** Logs the cause under the request's id. The response does not contain it. */
const logError = ({ code, cause }: AppError, { deps, call }: Context, procedure: string): void => {
  const { log } = call;
  if (code === "INTERNAL_ERROR") log.error({ err: cause, procedure }, "Procedure failed");
  // Without a cause the server is overloaded. Under heavy load, a warning for each call would cost more than rejecting it.
  else if (code === "SERVICE_UNAVAILABLE" && cause !== undefined)
    log.warn({ err: cause, procedure }, "Call rejected: service unavailable");
  else if (cause instanceof LimitTrip && deps.isNewTrip(cause))
    logEvent(call, "limitTripped", { reason: cause.limit });
};

const setHeaders = ({ code, retryAfter }: AppError, { setHeader }: Call, meta?: Meta): void => {
  if (retryAfter !== undefined) setHeader("Retry-After", String(retryAfter));
  // RFC 6750 §3: an error that concerns the access token names the scheme.
  if (meta?.auth === "access" && statusOf(code) === 401 && code !== "INVALID_CREDENTIALS")
    setHeader("WWW-Authenticate", "Bearer");
};

/** Translates an error. A call that needs a part of the schema succeeds once the pending migrations have created it. */
const errorOf = async (thrown: unknown, { deps, call }: Context): Promise<AppError> => {
  const error = translateError(thrown, call.fieldNames);
  if (error.code !== "INTERNAL_ERROR" || !isSchemaMissing(error.cause)) return error;
  const pending = await deps.checkDatabase().catch(() => []);
  return pending.length > 0 ? serviceUnavailable(error.cause) : error;
};

/**
 * Translates every error of a procedure into one of the table, and logs it. Every call adds itself to the record of its
 * request.
 */
export const errors: Concern = async (state, next) => {
  const { call, procedure, meta } = state;
  const start = performance.now();
  try {
    const result = await next();
    call.record?.calls.push({ procedure, ms: millisecondsSince(start) });
    return result;
  } catch (thrown) {
    const error = await errorOf(thrown, state);
    const { code, detail, field, retryAfter } = error;
    call.record?.calls.push({ procedure, code, ms: millisecondsSince(start) });
    logError(error, state, procedure);
    setHeaders(error, call, meta);
    throw new TRPCError({
      code: errorTable[code].trpc,
      message: detail,
      // A copy without its cause, which is for the log only.
      cause: new AppError(code, {
        field,
        detail,
        ...(retryAfter === undefined ? {} : { retryAfter }),
      }),
    });
  }
};
