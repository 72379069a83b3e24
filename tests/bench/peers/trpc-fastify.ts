// tRPC's own Fastify adapter with a plain router: no context, no middleware.
import { initTRPC } from "@trpc/server";
import { fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import fastify from "fastify";
import { create, hello, page } from "../procedures/handlers.ts";
import * as schemas from "../procedures/schemas.ts";
import { address } from "./port.ts";

const { procedure, router } = initTRPC.create({ isDev: false });

const procedures = router({
  hello: procedure
    .input(schemas.helloInput)
    .output(schemas.helloOutput)
    .query(({ input }) => hello(input)),
  page: procedure
    .input(schemas.pageInput)
    .output(schemas.pageOutput)
    .query(({ input }) => page(input)),
  create: procedure
    .input(schemas.createInput)
    .output(schemas.task)
    .mutation(({ input }) => create(input)),
});

const app = fastify();
await app.register(fastifyTRPCPlugin, { prefix: "/trpc", trpcOptions: { router: procedures } });
await app.listen(address);
