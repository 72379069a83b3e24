import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Closes a connection with too many pending requests: Node starts all pipelined requests at once (20 sockets: a gigabyte).
 * Tried: Fastify's `maxRequestsPerSocket`. It limits the requests in a connection's whole life, so honest clients reconnect
 * every 100 requests, and Node still answers all further ones with 503: 10 sockets blocked for 2.1 s, with this guard 0.7 s.
 * @param maxPending requests of one connection that may wait for their responses, 1 or more
 */
export const limitPipelining = ({ server }: FastifyInstance, maxPending: number): void => {
  const pending = new WeakMap<Socket, number>();
  const add = (socket: Socket, change: 1 | -1): number => {
    const count = (pending.get(socket) ?? 0) + change;
    pending.set(socket, count);
    return count;
  };
  // Before Fastify's listener: Node parses a received chunk to its end, and the rest of it must cost as little as possible.
  const listeners = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    response.once("close", () => add(socket, -1));
    if (add(socket, 1) > maxPending) socket.destroy();
    else for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
  });
};
