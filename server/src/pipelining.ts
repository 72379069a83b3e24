import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Cuts a connection that sends on without waiting for answers. Node begins every pipelined request at once: 20 such
 * sockets cost a gigabyte and block everybody for seconds (measured), and no browser or common client pipelines.
 * @param most requests of one connection that may be unanswered, 1 or more
 */
export const limitPipelining = (app: FastifyInstance, most: number): void => {
  const unanswered = new WeakMap<Socket, number>();
  const add = (socket: Socket, change: 1 | -1): number => {
    const count = (unanswered.get(socket) ?? 0) + change;
    unanswered.set(socket, count);
    return count;
  };
  app.addHook("onRequest", async ({ raw: { socket } }, reply) => {
    reply.raw.once("close", () => add(socket, -1));
    if (add(socket, 1) <= most) return;
    // What the rest of the chunk holds comes here too: it is to cost nothing.
    socket.destroy();
    reply.hijack();
  });
};
