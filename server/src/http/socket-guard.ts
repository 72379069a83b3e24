import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

type Exchange = [request: IncomingMessage, response: ServerResponse];

/**
 * Starts a request only when the system has taken all bytes of the socket's earlier responses, and closes a socket with too
 * many waiting requests. Node starts all pipelined requests at once and buffers their responses, also if the client reads
 * none: with pages of 4.8 MB, two sockets took 1.8 GB. So a socket costs at most one response.
 *
 * Tried: Fastify's `maxRequestsPerSocket`. It limits the requests in a connection's whole life, so honest clients reconnect
 * every 100 requests, and Node still answers all further ones with 503: 10 sockets blocked for 2.1 s, with this guard 0.7 s.
 * @param maxPending requests of one connection that may wait for their responses, 1 or more
 */
export const limitPipelining = ({ server }: FastifyInstance, maxPending: number): void => {
  /** The first one has started. */
  const pending = new WeakMap<Socket, Exchange[]>();
  // Before Fastify's listener: Node parses a received chunk to its end, and the rest of it must cost as little as possible.
  const listeners = server.listeners("request");
  server.removeAllListeners("request");

  const startFirst = (queue: Exchange[]): void => {
    const [first] = queue;
    if (first === undefined) return;
    const [{ socket }, response] = first;
    // "close" follows "finish", which waits until the system has taken the last byte.
    response.once("close", () => {
      queue.shift();
      // Otherwise the client has disconnected, or the response was the last one of the connection.
      if (socket.writable) startFirst(queue);
    });
    for (const listener of listeners) Reflect.apply(listener, server, first);
  };

  server.on("request", (...exchange: Exchange) => {
    const [{ socket }] = exchange;
    const queue = pending.get(socket) ?? [];
    pending.set(socket, queue);
    queue.push(exchange);
    if (queue.length > maxPending) socket.destroy();
    else if (queue.length === 1) startFirst(queue);
  });
};
