import { AppError, type ErrorBody, errors } from "@taskwire/shared";
import { initTRPC, TRPCError } from "@trpc/server";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import { isConflict } from "../db/failures.ts";
import { withTimeout } from "../timeout.ts";
import type { Limited } from "../security/rate-limits.ts";
import type { ServiceContext } from "../services/context.ts";
import type { Context } from "../http/call-context.ts";
import type { Meta } from "./meta.ts";
import { serviceUnavailable, statusOf, translate } from "./translate-error.ts";

/** How often a call is tried that the database gives up in favour of another. */
const maxAttempts = 4;

/** Milliseconds after which a call is put off, whatever it waits for: every caller has an answer within 3 s. */
const maxCallTime = 2800;

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    isDev: false,
    errorFormatter: ({ shape, error, ctx }) => {
      const { code, detail, body } = translate(error, ctx?.fields);
      const data: ErrorBody & { httpStatus: number } = { ...body, httpStatus: statusOf(code) };
      return { ...shape, message: detail, code: TRPC_ERROR_CODES_BY_KEY[errors[code].trpc], data };
    },
  });

export const { router, createCallerFactory } = t;

/** Logs what the caller will not see, whole, under the request's id. */
const report = ({ code, cause }: AppError, ctx: Context, procedure: string): void => {
  if (code === "INTERNAL_ERROR") ctx.log.error({ err: cause, procedure }, "A procedure failed");
  // Without a cause there is only too much to do: in a flood, a line for each would cost more than the refusal.
  else if (code === "SERVICE_UNAVAILABLE" && cause !== undefined)
    ctx.log.warn({ err: cause, procedure }, "A call was put off");
  else ctx.log.debug({ procedure, code }, "A call was refused");
};

/**
 * Every procedure's base: a fresh database handle (a batch's calls run at once and share the context), and the one place
 * where errors are translated. It looks at the result, because a try/catch around next() never fires.
 */
export const publicProcedure = t.procedure.use(async ({ ctx, next, path, meta }) => {
  const { config, clock, passwords, tokens, rateLimits, revocations, orm } = ctx.deps;
  const service: Omit<ServiceContext, keyof Context> = {
    config,
    clock,
    passwords,
    tokens,
    rateLimits,
    revocations,
    db: orm.em.fork().getKysely(),
  };
  const result = await withTimeout(maxCallTime, async (late) => {
    // Who has been answered needs a place in a queue as little as who has left.
    const call = { ...service, signal: () => AbortSignal.any([ctx.signal(), late]) };
    let latest = await next({ ctx: call });
    // Nothing has happened by then: what a service writes, it writes in one statement or one transaction.
    for (let tries = 1; !latest.ok && isConflict(latest.error.cause); tries++) {
      if (tries === maxAttempts || late.aborted) break;
      latest = await next({ ctx: call });
    }
    return latest;
  });
  if (result?.ok) return result;
  const error =
    result === undefined
      ? serviceUnavailable(new Error(`No result within ${maxCallTime} ms`))
      : translate(result.error, ctx.fields);
  report(error, ctx, path);
  const { code, detail, field, retryAfter } = error;
  if (retryAfter !== undefined) ctx.header("Retry-After", String(retryAfter));
  // RFC 6750 §3: a refusal that concerns the access token names the scheme.
  if (meta?.auth === "access" && statusOf(code) === 401 && code !== "INVALID_CREDENTIALS") {
    ctx.header("WWW-Authenticate", "Bearer");
  }
  throw new TRPCError({
    code: errors[code].trpc,
    message: detail,
    cause: new AppError(code, {
      field,
      detail,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    }),
  });
});

/** For a signed-in user: refuses without a good access token, and gives `ctx.user`. */
export const protectedProcedure = publicProcedure
  .meta({ auth: "access" })
  .use(async ({ ctx, next }) => next({ ctx: { user: await ctx.identify() } }));

/** For what sets, reads or clears the cookie: refuses a page of a foreign origin. */
export const cookieProcedure = publicProcedure.meta({ sameOrigin: true }).use(({ ctx, next }) => {
  if (ctx.foreignOrigin) throw new AppError("FORBIDDEN_ORIGIN");
  return next();
});

/** The same, counted: every call of a batch is an attempt, failed or not. */
export const limited = (limit: Limited) =>
  cookieProcedure.meta({ limit }).use(async ({ ctx, next }) => {
    await ctx.deps.rateLimits.consume(limit, ctx.address);
    return next();
  });
