// oRPC's own protocol on Node's server.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { RPCHandler } from "@orpc/server/node";
import { router } from "./orpc-router.ts";
import { address } from "./port.ts";

const handler = new RPCHandler(router);

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { matched } = await handler.handle(request, response);
  if (!matched) response.writeHead(404).end();
};

createServer((request, response) => void answer(request, response)).listen(address);
