import type { ServiceContext } from "../services/context.ts";

/** What a transport gives to every procedure; middleware adds the database handle and the user. */
export type Context = Pick<ServiceContext, "deps" | "call">;
