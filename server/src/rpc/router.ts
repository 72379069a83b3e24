import { authRouter } from "./routers/auth.ts";
import { router } from "./trpc.ts";

export const appRouter = router({ auth: authRouter });

/** What a typed client needs to know, and all that it gets. */
export type AppRouter = typeof appRouter;
