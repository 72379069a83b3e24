// oRPC's REST on Node's server.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { OpenAPIHandler } from "@orpc/openapi/node";
import { router } from "./orpc-router.ts";
import { address } from "./port.ts";

const handler = new OpenAPIHandler(router);

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { matched } = await handler.handle(request, response);
  if (!matched) response.writeHead(404).end();
};

createServer((request, response) => void answer(request, response)).listen(address);
