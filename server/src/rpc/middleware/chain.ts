import type { ServiceContext, UserContext } from "../../services/context.ts";
import { t } from "../init.ts";
import type { Context as TransportContext } from "../context.ts";
import type { Meta } from "../meta.ts";

/** One call on its way through its concerns. It becomes the context of the service. */
export interface CallState extends ServiceContext {
  /** Undefined before `auth`. */
  user: UserContext["user"] | undefined;
  /** The name of the procedure, such as `task.create`. */
  procedure: string;
  meta: Meta | undefined;
}

/**
 * One concern of a call, such as its deadline. It calls `next` for the concerns after it and the procedure itself, or throws. An
 * error of `next` is thrown too, so that try/catch works.
 */
export type Concern<State = CallState> = <Result>(
  state: State,
  next: () => Promise<Result>,
) => Promise<Result>;

const hasUser = (state: CallState): state is CallState & UserContext => state.user !== undefined;

const withUser = (state: CallState): CallState & UserContext => {
  if (!hasUser(state)) throw new Error("Only after `auth`");
  return state;
};

/** Marks a concern that comes after `auth`. */
export const afterAuth =
  (concern: Concern<CallState & UserContext>): Concern =>
  (state, next) =>
    concern(withUser(state), next);

const run = <Result>(
  concerns: readonly Concern[],
  index: number,
  state: CallState,
  last: () => Promise<Result>,
): Promise<Result> => {
  const concern = concerns[index];
  return concern === undefined
    ? last()
    : concern(state, () => run(concerns, index + 1, state, last));
};

/** The concerns of a procedure, the first of them outermost. */
export interface Chain<Context extends ServiceContext = ServiceContext> {
  concerns: readonly Concern[];
  /** Returns the context of the procedure, after all concerns. */
  contextOf: (state: CallState) => Context;
}

/**
 * Runs a procedure inside its concerns.
 * @param last the procedure itself
 */
export const runChain = <Context extends ServiceContext, Result>(
  { concerns, contextOf }: Chain<Context>,
  { deps, call }: TransportContext,
  { procedure, meta }: Pick<CallState, "procedure" | "meta">,
  last: (ctx: Context) => Promise<Result>,
): Promise<Result> => {
  const state: CallState = { deps, call, db: deps.db, user: undefined, procedure, meta };
  return run(concerns, 0, state, () => last(contextOf(state)));
};

const chains = new WeakMap<object, Chain>();

/** Returns the chain that a middleware was made of, if any. */
export const chainOf = (middleware: unknown): Chain | undefined =>
  typeof middleware === "function" ? chains.get(middleware) : undefined;

/** Makes one middleware of a chain: tRPC copies the context for each of its own middlewares. */
const middlewareOf = <Context extends ServiceContext>(chain: Chain<Context>) => {
  const builder = t.middleware(({ ctx, next, path, meta }) =>
    runChain(chain, ctx, { procedure: path, meta }, async (context) => {
      const result = await next({ ctx: context });
      if (result.ok) return result;
      throw result.error;
    }),
  );
  for (const middleware of builder._middlewares) chains.set(middleware, chain);
  return builder;
};

/** Makes the middleware of a procedure for every caller. */
export const forEveryone = (...concerns: Concern[]) =>
  middlewareOf({ concerns, contextOf: (state): ServiceContext => state });

/** Makes the middleware of a procedure for a signed-in user. @param concerns with `auth` */
export const forUsers = (...concerns: Concern[]) =>
  middlewareOf<UserContext>({ concerns, contextOf: withUser });
