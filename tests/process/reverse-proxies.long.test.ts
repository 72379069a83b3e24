import { describe, expect, onTestFinished, test } from "vitest";
import { type HttpRequest, type HttpResponse, send } from "../support/client/http.ts";
import { programOf, proxySetups, startReverseProxy } from "../support/external/reverse-proxy.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import { skipsWithout } from "../support/setup/requirements.ts";

/** Nothing listens on these ports. */
const closedPorts = [1, 2];

const json = { "content-type": "application/json" };
/** A task without a token, which the server rejects with 401. */
const newTask: HttpRequest = {
  method: "POST",
  path: "/api/v1/tasks",
  headers: json,
  body: '{"title":"A task"}',
};

/**
 * What a client sees of a response, without the headers of one connection and of one moment. Proxies remove the length of an
 * empty response.
 */
const visible = ({ status, headers, text }: HttpResponse) => {
  const ofConnection = ["connection", "date", "keep-alive", "transfer-encoding"];
  if (text === "") ofConnection.push("content-length");
  const rest = [...headers].filter(([name]) => !ofConnection.includes(name));
  return { status, text, headers: Object.fromEntries(rest) };
};

describe.each(proxySetups.filter((setup) => setup !== "haproxy without retries"))(
  "behind %s with the documented configuration",
  (setup) => {
    const lacksPrograms = skipsWithout(programOf(setup)) || skipsWithout("openssl");
    const start = async () => {
      const folder = await temporaryFolder();
      await unpackDatabase(folder);
      const server = await serve(folder, { TRUST_PROXY: "127.0.0.1", METRICS_PORT: "0" });
      const ports = [Number(new URL(server.url).port), ...closedPorts];
      const proxy = await startReverseProxy(setup, folder, ports);
      onTestFinished(proxy.stop);
      const sendThrough = (request: HttpRequest) => send(proxy.url, request, proxy.agent);
      return { server, proxy, sendThrough };
    };

    test.skipIf(lacksPrograms)(
      "a request's X-Forwarded-For is replaced by the client's address, and X-Request-Id and traceparent arrive",
      async () => {
        const { server, sendThrough } = await start();
        const trace = "0af7651916cd43dd8448eb211c80319c";
        const headers = {
          ...json,
          "x-forwarded-for": "203.0.113.9",
          "x-request-id": "id-of-the-client",
          traceparent: `00-${trace}-b7ad6b7169203331-01`,
        };
        const response = await sendThrough({ ...newTask, headers });
        expect(response.headers.get("x-request-id")).toBe("id-of-the-client");
        const [line] = await server.until(/^.*"id-of-the-client".*"Request completed".*$/m);
        expect(JSON.parse(line)).toMatchObject({ address: "127.0.0.1", trace_id: trace });
      },
    );

    test.skipIf(lacksPrograms)(
      "responses are those of the server, also to bodies that are too large",
      async () => {
        const { server, sendThrough } = await start();
        const headers = { ...json, origin: "http://localhost:3000", "x-request-id": "same" };
        const preflight = { "access-control-request-method": "POST" };
        const requests: HttpRequest[] = [
          { ...newTask, headers },
          { method: "GET", path: "/docs", headers },
          { method: "GET", path: "/metrics", headers },
          { method: "GET", path: "/api/v1/tasks/%2e%2e//1?q=%20a+b", headers },
          { method: "OPTIONS", path: "/api/v1/tasks", headers: { ...headers, ...preflight } },
          { ...newTask, headers, body: JSON.stringify({ title: "x".repeat(65_536) }) },
        ];
        for (const request of requests) {
          const expected = visible(await send(server.url, request));
          const through = visible(await sendThrough(request));
          expect(through).toMatchObject(expected);
        }
      },
    );

    test.skipIf(lacksPrograms)(
      "a page of the proxy's own address may refresh a session, and a page of another one may not, whatever it sends",
      async () => {
        const { proxy, sendThrough } = await start();
        const refresh = (headers: Record<string, string>) =>
          sendThrough({ method: "POST", path: "/api/v1/auth/refresh", headers });
        const own = await refresh({ origin: proxy.url });
        expect(own.text).toContain("MISSING_REFRESH_TOKEN");
        const other = { origin: "https://other.example", "x-forwarded-host": "other.example" };
        expect((await refresh(other)).text).toContain("FORBIDDEN_ORIGIN");
      },
    );

    test.skipIf(lacksPrograms)(
      "requests that write get a response from the one server that runs, and HTTP is redirected to HTTPS",
      async () => {
        const { proxy, sendThrough } = await start();
        const statuses = [];
        for (let turn = 0; turn < 9; turn++) statuses.push((await sendThrough(newTask)).status);
        expect(statuses).toEqual(Array.from({ length: 9 }, () => 401));
        const redirect = await send(proxy.redirectUrl, newTask);
        expect(redirect.status).toBe(308);
        expect(redirect.headers.get("location")).toMatch(
          /^https:\/\/127\.0\.0\.1.*\/api\/v1\/tasks$/,
        );
      },
    );
  },
);
