import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Cuts a connection that sends on without waiting for answers. Node begins every pipelined request at once: 20 such
 * sockets cost a gigabyte and block everybody for seconds (measured), and no browser or common client pipelines.
 * @param most requests of one connection that may be unanswered, 1 or more
 */
export const limitPipelining = ({ server }: FastifyInstance, most: number): void => {
  const unanswered = new WeakMap<Socket, number>();
  const add = (socket: Socket, change: 1 | -1): number => {
    const count = (unanswered.get(socket) ?? 0) + change;
    unanswered.set(socket, count);
    return count;
  };
  // Before Fastify, as Node parses a chunk to its end: a thousand requests that are to cost nothing any more.
  const listeners = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    response.once("close", () => add(socket, -1));
    if (add(socket, 1) > most) socket.destroy();
    else for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
  });
};
