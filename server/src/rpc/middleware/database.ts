import { t } from "../init.ts";

/** Provides `ctx.db`, a handle for this call only: the calls of a batch run at the same time. */
export const database = t.middleware(({ ctx, next }) =>
  next({ ctx: { db: ctx.deps.orm.em.fork().getKysely() } }),
);
