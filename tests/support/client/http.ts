import { Agent, request } from "node:http";

export interface HttpRequest {
  method: string;
  /** Path and query, sent as they are: no spelling is put right, as fetch would. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array | undefined;
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  text: string;
}

// Connections are kept: half of a small request's time would go into making another. An idle one is closed here before
// the server does it after 5 s, as that could cross with the next request.
const agent = new Agent({ keepAlive: true, timeout: 4000 });

/** One request, as plain as Node sends it. */
export const send = (
  url: string,
  { method, path, headers = {}, body }: HttpRequest,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    // Node frames a body by itself only for methods that usually have one.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const options = { agent, hostname, port, method, path, headers: { ...headers, ...length } };
    const outgoing = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const answered = new Headers();
        for (const [name, values = []] of Object.entries(response.headersDistinct))
          for (const value of values) answered.append(name, value);
        resolve({ status: response.statusCode ?? 0, headers: answered, text });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
