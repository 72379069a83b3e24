import type { ServiceContext, UserContext } from "../../services/context.ts";
import { t } from "../init.ts";
import type { Meta } from "../meta.ts";

/** One call on its way through its concerns. It becomes the context of the service. */
export interface CallState extends ServiceContext {
  /** Undefined before `auth`. */
  user?: UserContext["user"];
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

/**
 * Makes one middleware of several concerns, the first of them outermost: tRPC copies the context for each of its own
 * middlewares.
 * @param contextOf returns the context of the procedure, after all concerns
 */
const chain = <Context extends ServiceContext>(
  concerns: readonly Concern[],
  contextOf: (state: CallState) => Context,
) =>
  t.middleware(({ ctx: { deps, call }, next, path, meta }) => {
    const state: CallState = { deps, call, db: deps.db, procedure: path, meta };
    return run(concerns, 0, state, async () => {
      const result = await next({ ctx: contextOf(state) });
      if (result.ok) return result;
      throw result.error;
    });
  });

/** Makes the middleware of a procedure for every caller. */
export const forEveryone = (...concerns: Concern[]) =>
  chain(concerns, (state): ServiceContext => state);

/** Makes the middleware of a procedure for a signed-in user. @param concerns with `auth` */
export const forUsers = (...concerns: Concern[]) => chain<UserContext>(concerns, withUser);
