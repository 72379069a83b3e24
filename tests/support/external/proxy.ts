import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What happens to packets: they pass; they get lost, all or only the answers, while connections stay open; or nobody
 * listens, and every connection is cut.
 */
type Mode = "pass" | "drop" | "drop answers" | "refuse";

/** A TCP proxy before a server on this machine, to break the way there. */
export interface Proxy {
  port: number;
  /** How long each packet takes, in milliseconds. */
  delay: number;
  set: (mode: Mode) => Promise<void>;
  /** Cuts every connection, as a router does that has lost its table. */
  reset: () => void;
  /** The present connections stay open, and no packet passes there any more, whatever the mode. */
  abandon: () => void;
  close: () => Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
  abandoned: boolean;
}

/** Starts one that lets everything pass. */
export const startProxy = async (target: number): Promise<Proxy> => {
  let mode: Mode = "pass";
  let listener: Server | undefined;
  const pairs = new Set<Pair>();

  /** Paused sockets keep what arrives, as TCP sends again what was lost. */
  const steer = ({ client, server, abandoned }: Pair): void => {
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
      steer(pair);
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
      if (mode === "refuse") await stopListening();
      else if (listener === undefined) await listen(proxy.port);
      for (const pair of pairs) steer(pair);
    },
    reset,
    abandon: () => {
      for (const pair of pairs) {
        pair.abandoned = true;
        steer(pair);
      }
    },
    close: stopListening,
  };
  proxy.port = await listen(0);
  return proxy;
};
