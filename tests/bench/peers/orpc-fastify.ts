// oRPC's own protocol on Fastify, as its documentation shows it.
import { RPCHandler } from "@orpc/server/fastify";
import fastify from "fastify";
import { router } from "./orpc-router.ts";
import { address } from "./port.ts";

const handler = new RPCHandler(router);
const app = fastify();
// oRPC reads the body itself.
app.addContentTypeParser("*", (_request, _payload, done) => done(null));
app.removeContentTypeParser("application/json");
app.all("/*", async (request, reply) => {
  const { matched } = await handler.handle(request, reply);
  if (!matched) reply.code(404).send();
});
await app.listen(address);
