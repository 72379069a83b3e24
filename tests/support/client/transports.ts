import type { ErrorBody } from "@taskwire/shared";
import {
  fillPath,
  type Operation,
  operationsOf,
  prefix,
} from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { assertContract } from "../conformance/contract.ts";
import { isTrailingSlashRedirect } from "../conformance/redirects.ts";
import { type HttpResponse, type HttpRequest, send } from "./http.ts";

/** The response to a call, in the same shape for both transports. */
export interface CallResponse extends HttpResponse {
  /** The procedure's result, if it succeeded. */
  data: unknown;
  /** The error body, if it failed. */
  error: ErrorBody | undefined;
}

export interface CallOptions {
  /** The access token. */
  token?: string | undefined;
  /** The refresh token, sent as a cookie. */
  cookie?: string | undefined;
  headers?: Record<string, string>;
}

export interface Transport {
  name: "REST" | "RPC";
  /** The path of the refresh token's cookie. */
  cookiePath: string;
  /** Returns the name of an input field in this transport: REST renames some. */
  fieldName: (procedure: string, field: string) => string;
  /** Creates the HTTP request of a call. */
  request: (procedure: string, input?: unknown, options?: CallOptions) => HttpRequest;
  /** Sends a request and parses the response. */
  send: (url: string, request: HttpRequest) => Promise<CallResponse>;
  /** Creates the request of a call, sends it and parses the response. */
  call: (
    url: string,
    procedure: string,
    input?: unknown,
    options?: CallOptions,
  ) => Promise<CallResponse>;
}

const operations = new Map(operationsOf(appRouter).map((operation) => [operation.name, operation]));

const operationOf = (name: string): Operation => {
  const operation = operations.get(name);
  if (operation === undefined) throw new Error(`No procedure ${name}`);
  return operation;
};

const headersOf = ({ token, cookie, headers }: CallOptions): Record<string, string> => ({
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  ...(cookie === undefined ? {} : { cookie: `refresh_token=${cookie}` }),
  ...headers,
});

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

const parse = (text: string): unknown => (text === "" ? undefined : JSON.parse(text));

const restWithoutCall: Omit<Transport, "call"> = {
  name: "REST",
  cookiePath: `${prefix}/auth`,
  fieldName: (procedure, field) => operationOf(procedure).rest.fieldNames[field] ?? field,
  request: (procedure, input, options = {}) => {
    const { rest: route } = operationOf(procedure);
    const { method } = route;
    const values = isRecord(input) ? { ...input } : {};
    const path = prefix + fillPath(route.path, (name) => encodeURIComponent(textOf(values[name])));
    for (const name of Object.keys(values))
      if (route.path.includes(`{${name}}`)) delete values[name];
    const wire = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [route.fieldNames[name] ?? name, value]),
    );
    const headers = headersOf(options);
    if (route.body === "json") {
      headers["content-type"] = "application/json";
      return { method, path, headers, body: JSON.stringify(isRecord(input) ? wire : input) };
    }
    const texts = new URLSearchParams(
      Object.entries(wire).map(([name, value]): [string, string] => [name, textOf(value)]),
    ).toString();
    if (route.body === undefined)
      return { method, path: texts === "" ? path : `${path}?${texts}`, headers };
    headers["content-type"] = "application/x-www-form-urlencoded;charset=UTF-8";
    return { method, path, headers, body: texts };
  },
  send: async (url, request) => {
    const response = await send(url, request);
    if (isTrailingSlashRedirect(request, response))
      return { ...response, data: undefined, error: undefined };
    const { status, text } = response;
    const body = parse(text);
    const contentType = response.headers.get("content-type");
    const [path = ""] = request.path.split("?", 1);
    assertContract(request.method, path, { status, contentType, body, text });
    const isError = status >= 400;
    return {
      ...response,
      data: isError ? undefined : body,
      // assertContract has just checked the shape.
      error: isError ? (body as ErrorBody) : undefined,
    };
  },
};

const rpcWithoutCall: Omit<Transport, "call"> = {
  name: "RPC",
  cookiePath: "/trpc",
  fieldName: (_procedure, field) => field,
  request: (procedure, input, options = {}) => {
    const isQuery = operationOf(procedure).procedure._def.type === "query";
    const text = input === undefined ? undefined : JSON.stringify(input);
    const query = isQuery && text !== undefined ? `?input=${encodeURIComponent(text)}` : "";
    return {
      method: isQuery ? "GET" : "POST",
      path: `/trpc/${procedure}${query}`,
      headers: {
        ...(isQuery ? {} : { "content-type": "application/json" }),
        ...headersOf(options),
      },
      body: isQuery ? undefined : text,
    };
  },
  send: async (url, request) => {
    const response = await send(url, request);
    if (isTrailingSlashRedirect(request, response))
      return { ...response, data: undefined, error: undefined };
    const { result, error } = parse(response.text) as {
      result?: { data: unknown };
      error?: { data: ErrorBody };
    };
    const { data } = error ?? {};
    return {
      ...response,
      data: result?.data,
      error: data === undefined ? undefined : { ...data },
    };
  },
};

const withCall = (transport: Omit<Transport, "call">): Transport => ({
  ...transport,
  call: (url, procedure, input, options) =>
    transport.send(url, transport.request(procedure, input, options)),
});

export const rest = withCall(restWithoutCall);
export const rpc = withCall(rpcWithoutCall);

/** Both transports: each behaviour is tested through both. */
export const transports: readonly Transport[] = [rest, rpc];

interface RefreshCookie {
  value: string;
  attributes: Record<string, string | true>;
}

/** Returns the value and attributes of the refresh cookie that a response sets, or undefined if it sets none. */
export const refreshCookieOf = (response: CallResponse): RefreshCookie | undefined => {
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 1) throw new Error(`Expected one cookie, received ${cookies.length}`);
  const [cookie] = cookies;
  if (cookie === undefined) return undefined;
  const [pair = "", ...attributes] = cookie.split("; ");
  const [name, value = ""] = pair.split("=");
  if (name !== "refresh_token") throw new Error(`Unexpected cookie: ${name}`);
  return {
    value,
    attributes: Object.fromEntries(
      attributes.map((attribute) => {
        const [key = "", text] = attribute.split("=");
        return [key, text ?? true];
      }),
    ),
  };
};

/** Returns the refresh cookie that a response sets. Throws if it sets none. */
export const newRefreshCookieOf = (response: CallResponse): RefreshCookie => {
  const cookie = refreshCookieOf(response);
  if (cookie === undefined)
    throw new Error(`No refresh cookie: ${response.status} ${response.text}`);
  return cookie;
};
