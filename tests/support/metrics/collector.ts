import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A span as OTLP's JSON has it, with its attributes as an object. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: Record<string, unknown>;
  status: { code?: number };
}

interface Value {
  stringValue?: string;
  intValue?: number;
}

interface Export {
  resourceSpans: {
    scopeSpans: {
      spans: (Omit<Span, "attributes"> & { attributes: { key: string; value: Value }[] })[];
    }[];
  }[];
}

/** Starts an OpenTelemetry collector that keeps the spans it receives. It stops when the test finishes. */
export const startCollector = async (): Promise<{ url: string; spans: Span[] }> => {
  const spans: Span[] = [];
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Safe: the format of OTLP over HTTP as JSON.
    const { resourceSpans } = (await json(request)) as Export;
    for (const { attributes, ...span } of resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap((scope) => scope.spans),
    ))
      spans.push({
        ...span,
        attributes: Object.fromEntries(
          attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]),
        ),
      });
    response.writeHead(request.url === "/v1/traces" ? 200 : 404).end("{}");
  };
  const server = createServer((request, response) => void receive(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  return { url: `http://127.0.0.1:${address.port}`, spans };
};
