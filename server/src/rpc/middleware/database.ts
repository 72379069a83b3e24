import { t } from "../init.ts";

/** Provides `ctx.db`, a database handle for this call only, because the calls of a batch run concurrently. */
export const database = t.middleware(({ ctx, next }) =>
  next({ ctx: { db: ctx.deps.orm.em.fork().getKysely() } }),
);
