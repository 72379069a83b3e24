import { authRouter } from "./routers/auth.ts";
import { tagRouter } from "./routers/tag.ts";
import { taskRouter } from "./routers/task.ts";
import { router } from "./trpc.ts";

export const appRouter = router({ auth: authRouter, task: taskRouter, tag: tagRouter });

/** What a typed client needs to know, and all that it gets. */
export type AppRouter = typeof appRouter;
