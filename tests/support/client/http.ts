import { Agent, request as requestInClear } from "node:http";
import { request as requestOverTls } from "node:https";

export interface HttpRequest {
  method: string;
  /** Path and query, sent unchanged: fetch would normalize them. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array | undefined;
}

export interface HttpResponse {
  status: number;
  headers: Headers;
  text: string;
}

// Connections are reused: opening one takes half of a small request's time. The agent closes an idle one after 1 s, long
// before the server does, because a request could be sent at the same moment.
const defaultAgent = new Agent({ keepAlive: true, timeout: 1000 });

/**
 * Sends one request and returns the response, whatever its status.
 * @param agent keeps the connections; by default one that all callers share. An https URL needs one of its own
 */
export const send = (
  url: string,
  { method, path, headers = {}, body }: HttpRequest,
  agent = defaultAgent,
): Promise<HttpResponse> =>
  new Promise((resolve, reject) => {
    const { hostname, port, protocol } = new URL(url);
    const request = protocol === "https:" ? requestOverTls : requestInClear;
    // Node sets the length of a body only for methods that usually have one.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const options = { agent, hostname, port, method, path, headers: { ...headers, ...length } };
    const outgoing = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const responseHeaders = new Headers();
        for (const [name, values = []] of Object.entries(response.headersDistinct))
          for (const value of values) responseHeaders.append(name, value);
        resolve({ status: response.statusCode ?? 0, headers: responseHeaders, text });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
