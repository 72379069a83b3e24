import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Sockets between two requests that stay open. A proxy keeps some hundreds. Each costs about 10 kB, and with them all open
 * 9,000 of `maxConnections` are left to clients that send something.
 */
const maxIdle = 1000;

/** A socket's requests without a complete response, oldest first, and the bytes that it had received when it became idle. */
interface Connection {
  open: Set<ServerResponse>;
  receivedBytes: number;
}

/**
 * Closes connections when a client does not: above `maxIdle` idle sockets, the one that has been idle for the longest time.
 * While the process drains, each socket after its response, with `Connection: close`; and when the server closes, all sockets
 * without a request. Node itself would then wait for new sockets that have sent nothing, as browsers open them.
 *
 * Tried: a short `keepAliveTimeout` instead of `maxIdle`. It has to be longer than the proxy's, or requests get lost.
 * @param draining aborts when the process begins to drain
 */
export const manageConnections = (app: FastifyInstance, draining: AbortSignal): void => {
  const { server } = app;
  const connections = new Map<Socket, Connection>();
  /** In the order in which they became idle. */
  const idle = new Set<Socket>();
  let isClosing = false;

  /** Has the connection closed after its last open response: earlier ones must not end it before pipelined requests. */
  const closeAfterLast = (open: ReadonlySet<ServerResponse>): void => {
    const unsent = [...open].filter(({ headersSent }) => !headersSent);
    for (const response of unsent.slice(0, -1))
      if (response.hasHeader("Connection")) response.removeHeader("Connection");
    unsent.at(-1)?.setHeader("Connection", "close");
  };

  const onIdle = (socket: Socket, connection: Connection): void => {
    if (isClosing) {
      socket.destroySoon();
      return;
    }
    connection.receivedBytes = socket.bytesRead;
    idle.add(socket);
    const [oldest] = idle;
    if (oldest === undefined || idle.size <= maxIdle) return;
    idle.delete(oldest);
    oldest.destroySoon();
  };

  server.on("connection", (socket: Socket) => {
    connections.set(socket, { open: new Set(), receivedBytes: 0 });
    socket.once("close", () => {
      connections.delete(socket);
      idle.delete(socket);
    });
  });
  server.prependListener("request", ({ socket }, response) => {
    const connection = connections.get(socket);
    // Of `inject`, which has no connection.
    if (connection === undefined) return;
    const { open } = connection;
    idle.delete(socket);
    open.add(response);
    if (draining.aborted) closeAfterLast(open);
    response.once("close", () => {
      open.delete(response);
      if (open.size === 0 && socket.writable) onIdle(socket, connection);
    });
  });
  draining.addEventListener("abort", () => {
    for (const { open } of connections.values()) closeAfterLast(open);
  });
  app.addHook("preClose", async () => {
    isClosing = true;
    for (const [socket, { open, receivedBytes }] of connections)
      if (open.size === 0 && socket.bytesRead === receivedBytes) socket.destroySoon();
  });
};
