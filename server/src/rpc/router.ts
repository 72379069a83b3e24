import { authRouter } from "./routers/auth.ts";
import { tagRouter } from "./routers/tag.ts";
import { taskRouter } from "./routers/task.ts";
import { router } from "./trpc.ts";

export const appRouter = router({ auth: authRouter, task: taskRouter, tag: tagRouter });

/** The type of the whole API, which a typed client imports. */
export type AppRouter = typeof appRouter;
