import type { ServiceContext } from "../services/context.ts";

/** What a transport passes to every procedure. Middleware adds the query builder and the user. */
export type Context = Pick<ServiceContext, "deps" | "call">;
