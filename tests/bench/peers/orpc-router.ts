import { os } from "@orpc/server";
import { create, hello, page } from "../procedures/handlers.ts";
import * as schemas from "../procedures/schemas.ts";

/** The three procedures for all of oRPC's handlers. It checks the output by default. */
export const router = {
  hello: os
    .route({ method: "GET", path: "/hello" })
    .input(schemas.helloInput)
    .output(schemas.helloOutput)
    .handler(({ input }) => hello(input)),
  page: os
    .route({ method: "GET", path: "/tasks" })
    .input(schemas.pageInput)
    .output(schemas.pageOutput)
    .handler(({ input }) => page(input)),
  create: os
    .route({ method: "POST", path: "/tasks", successStatus: 201 })
    .input(schemas.createInput)
    .output(schemas.task)
    .handler(({ input }) => create(input)),
};
