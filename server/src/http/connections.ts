import type { ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FastifyInstance } from "fastify";

/**
 * Sockets between two requests that stay open. A proxy keeps some hundreds. Each costs about 10 kB, and with them all open
 * 9,000 of `maxConnections` are left to clients that send something.
 */
const maxIdle = 1000;

/**
 * Milliseconds in which a connection that has sent nothing may still send a request after the server has begun to close. A
 * proxy that opens one sends the request at once, but under load it arrives later than the connection: closed before, it
 * would be lost, and a proxy must not repeat a POST.
 */
const firstRequestGrace = 250;

/** Milliseconds. */
const accepting = { quietTurn: 1, maxTime: 400 };

/**
 * Accepts the connections that wait for it in the system, which resets them when the port closes. It returns at the end of a
 * short turn of the event loop without a new connection, so hardly any can wait then.
 */
const acceptWaiting = async (server: Server): Promise<void> => {
  let accepted = 0;
  const count = (): void => void accepted++;
  server.on("connection", count);
  const begin = performance.now();
  // From here on, every turn asks the system for new connections before it ends.
  await nextTurn();
  for (let isQuiet = false; !isQuiet && performance.now() - begin < accepting.maxTime;) {
    const before = { accepted, time: performance.now() };
    await nextTurn();
    const took = performance.now() - before.time;
    isQuiet = accepted === before.accepted && took < accepting.quietTurn;
  }
  server.off("connection", count);
};

/** A socket's requests without a complete response, oldest first, and the bytes that it had received when it became idle. */
interface Connection {
  open: Set<ServerResponse>;
  receivedBytes: number;
}

/**
 * Closes connections when a client does not: above `maxIdle` idle sockets, the one that has been idle for the longest time.
 * While the process drains, each socket after its response, with `Connection: close`; and when the server closes, all sockets
 * without a request, new ones a little later. Node itself would wait for new sockets that send nothing, as browsers open them.
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
  const closeWhere = (condition: (socket: Socket) => boolean): void => {
    for (const [socket, { open, receivedBytes }] of connections)
      if (open.size === 0 && socket.bytesRead === receivedBytes && condition(socket))
        socket.destroySoon();
  };
  app.addHook("preClose", async () => {
    isClosing = true;
    await acceptWaiting(server);
    closeWhere(({ bytesRead }) => bytesRead > 0);
    // After the timer, what has arrived is read before it decides.
    setTimeout(() => setImmediate(closeWhere, () => true), firstRequestGrace).unref();
  });
};
