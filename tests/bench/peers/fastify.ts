// Fastify as its documentation shows it: ajv checks the input, and a compiled serializer writes the output.
import fastify from "fastify";
import { z } from "zod";
import { create, hello, page } from "../procedures/handlers.ts";
import * as schemas from "../procedures/schemas.ts";
import { address } from "./port.ts";

/** Returns a zod schema as the JSON Schema that one would write: a nullable type is a list of types, not a union. */
const jsonSchema = (schema: z.ZodType, io: "input" | "output"): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: "draft-7",
    io,
    override: ({ jsonSchema: each }) => {
      const [first, second] = each.anyOf ?? [];
      if (first === undefined || second?.type !== "null") return;
      delete each.anyOf;
      // Draft 7 accepts a list, though zod's type of it does not.
      Object.assign(each, first, { type: [first.type, "null"] });
    },
  });
  return rest;
};

const app = fastify();

app.get(
  "/hello",
  {
    schema: {
      querystring: jsonSchema(schemas.helloInput, "input"),
      response: { 200: jsonSchema(schemas.helloOutput, "output") },
    },
  },
  // Safe: ajv has checked it.
  ({ query }, reply) => reply.send(hello(query as z.output<typeof schemas.helloInput>)),
);

app.get(
  "/tasks",
  {
    schema: {
      querystring: jsonSchema(schemas.pageInput, "input"),
      response: { 200: jsonSchema(schemas.pageOutput, "output") },
    },
  },
  // Safe: ajv has checked it, and set the defaults.
  ({ query }, reply) => reply.send(page(query as z.output<typeof schemas.pageInput>)),
);

app.post(
  "/tasks",
  {
    schema: {
      body: jsonSchema(schemas.createInput, "input"),
      response: { 201: jsonSchema(schemas.task, "output") },
    },
  },
  // Safe: ajv has checked it, and set the defaults.
  ({ body }, reply) => reply.code(201).send(create(body as z.output<typeof schemas.createInput>)),
);

await app.listen(address);
