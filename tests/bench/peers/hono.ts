// Hono on Node with its zod validator. It has no check of the output.
import { serve } from "@hono/node-server";
import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { create, hello, page } from "../procedures/handlers.ts";
import * as schemas from "../procedures/schemas.ts";
import { address } from "./port.ts";

const app = new Hono()
  .get("/hello", zValidator("query", schemas.helloInput), (c) =>
    c.json(hello(c.req.valid("query"))),
  )
  .get("/tasks", zValidator("query", schemas.pageInput), (c) => c.json(page(c.req.valid("query"))))
  .post("/tasks", zValidator("json", schemas.createInput), (c) =>
    c.json(create(c.req.valid("json")), 201),
  );

serve({ fetch: app.fetch, hostname: address.host, port: address.port });
