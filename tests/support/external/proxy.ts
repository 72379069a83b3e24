import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * "pass" forwards; "drop" and "drop responses" hold packets back (all, or only the server's) while connections stay open;
 * "reject" closes all connections and stops listening.
 */
type Mode = "pass" | "drop" | "drop responses" | "reject";

/** A TCP proxy in front of a server on this machine, which injects network faults. */
export interface Proxy {
  port: number;
  /** Delay of each packet in milliseconds; 0 or more. */
  delay: number;
  set: (mode: Mode) => Promise<void>;
  /** Resets every connection (TCP RST). */
  reset: () => void;
  /** Drops all packets of the connections that exist now, which stay open. New connections follow the mode. */
  abandon: () => void;
  close: () => Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
  abandoned: boolean;
}

/** Starts a proxy in mode "pass". @param target the server's port */
export const startProxy = async (target: number): Promise<Proxy> => {
  let mode: Mode = "pass";
  let listener: Server | undefined;
  const pairs = new Set<Pair>();

  /** A paused socket keeps what arrives until it is resumed, as TCP retransmits what was lost. */
  const applyMode = ({ client, server, abandoned }: Pair): void => {
    if (abandoned || mode === "drop") client.pause();
    else client.resume();
    if (abandoned || mode !== "pass") server.pause();
    else server.resume();
  };

  const forward = (from: Socket, to: Socket): void => {
    let queued = 0;
    let tail = Promise.resolve();
    const after = async (before: Promise<void>, ms: number, work: () => void): Promise<void> => {
      await Promise.all([before, sleep(ms)]);
      queued--;
      work();
    };
    const inOrder = (work: () => void): void => {
      if (proxy.delay === 0 && queued === 0) work();
      else {
        queued++;
        tail = after(tail, proxy.delay, work);
      }
    };
    from.on("data", (chunk) => inOrder(() => to.writable && to.write(chunk)));
    from.on("end", () => inOrder(() => to.end()));
    from.on("error", () => to.destroy());
    from.on("close", () => inOrder(() => to.destroySoon()));
  };

  const listen = async (port: number): Promise<number> => {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const pair = {
        client,
        server: connect({ port: target, host: "127.0.0.1", allowHalfOpen: true }),
        abandoned: false,
      };
      pairs.add(pair);
      client.once("close", () => pairs.delete(pair));
      forward(pair.client, pair.server);
      forward(pair.server, pair.client);
      applyMode(pair);
    });
    listener = server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("No port");
    return address.port;
  };

  const reset = (): void => {
    for (const { client, server } of pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  };

  const stopListening = async (): Promise<void> => {
    if (listener === undefined) return;
    const closed = once(listener, "close");
    listener.close();
    listener = undefined;
    reset();
    await closed;
  };

  const proxy: Proxy = {
    port: 0,
    delay: 0,
    set: async (next) => {
      mode = next;
      if (mode === "reject") await stopListening();
      else if (listener === undefined) await listen(proxy.port);
      for (const pair of pairs) applyMode(pair);
    },
    reset,
    abandon: () => {
      for (const pair of pairs) {
        pair.abandoned = true;
        applyMode(pair);
      }
    },
    close: stopListening,
  };
  proxy.port = await listen(0);
  return proxy;
};
