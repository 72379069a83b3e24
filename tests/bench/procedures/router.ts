import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { create, hello, page } from "./handlers.ts";
import { createInput, helloInput, helloOutput, pageInput, pageOutput, task } from "./schemas.ts";

/** The three procedures on this server's own base procedure, for both transports. */
export const procedures = router({
  hello: publicProcedure
    .meta({
      rest: {
        route: "GET /hello",
        operationId: "hello",
        summary: "Greet",
        description: "Returns a greeting.",
        responses: { 200: "The greeting" },
      },
    })
    .input(helloInput)
    .output(helloOutput)
    .query(({ input }) => hello(input)),

  page: publicProcedure
    .meta({
      rest: {
        route: "GET /tasks",
        operationId: "listTasks",
        summary: "List tasks",
        description: "Returns a part of the list.",
        responses: { 200: "One page" },
      },
    })
    .input(pageInput)
    .output(pageOutput)
    .query(({ input }) => page(input)),

  create: publicProcedure
    .meta({
      rest: {
        route: "POST /tasks",
        operationId: "createTask",
        summary: "Create a task",
        description: "Returns the task, and stores nothing.",
        responses: { 201: "Created" },
      },
    })
    .input(createInput)
    .output(task)
    .mutation(({ input }) => create(input)),
});
