import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Metrics } from "../observability/metrics.ts";

/** The path that Prometheus reads by default. */
const path = "/metrics";

interface Address {
  host: string;
  port: number;
}

/**
 * Serves the metrics on a port of their own, so that no proxy that publishes the server publishes them.
 * @returns the URL, and a function that closes the port at once
 * @throws the system's error, if the port is not free
 */
export const listenForScrapes = async (
  { scrape }: Pick<Metrics, "scrape">,
  { host, port }: Address,
): Promise<{ url: string; close: () => void }> => {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url?.split("?", 1)[0] !== path) response.writeHead(404).end();
    else if (request.method !== "GET") response.writeHead(405, { Allow: "GET" }).end();
    else {
      const { contentType, text } = await scrape();
      response.writeHead(200, { "Content-Type": contentType }).end(text);
    }
  };
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.writeHead(500).end());
  });
  server.listen({ host, port });
  await once(server, "listening");
  const address = server.address();
  const listening = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${listening}${path}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
