// ts-rest on Fastify. It checks the output only if asked to, so it does not here.
import { initContract } from "@ts-rest/core";
import { initServer } from "@ts-rest/fastify";
import fastify from "fastify";
import { create, hello, page } from "../procedures/handlers.ts";
import * as schemas from "../procedures/schemas.ts";
import { address } from "./port.ts";

const contract = initContract().router({
  hello: {
    method: "GET",
    path: "/hello",
    query: schemas.helloInput,
    responses: { 200: schemas.helloOutput },
  },
  page: {
    method: "GET",
    path: "/tasks",
    query: schemas.pageInput,
    responses: { 200: schemas.pageOutput },
  },
  create: {
    method: "POST",
    path: "/tasks",
    body: schemas.createInput,
    responses: { 201: schemas.task },
  },
});

const server = initServer();
const app = fastify();
const routes = server.router(contract, {
  hello: async ({ query }) => ({ status: 200, body: hello(query) }),
  page: async ({ query }) => ({ status: 200, body: page(query) }),
  create: async ({ body }) => ({ status: 201, body: create(body) }),
});
await app.register(server.plugin(routes));
await app.listen(address);
