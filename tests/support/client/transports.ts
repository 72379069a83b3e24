import type { ErrorBody } from "@taskwire/shared";
import {
  fillPath,
  type Operation,
  operationsOf,
  prefix,
} from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { assertContract } from "../conformance/contract.ts";
import { type HttpAnswer, type HttpRequest, send } from "./http.ts";

/** One answer, the same for both transports. */
export interface Answer extends HttpAnswer {
  /** What the procedure gave, when it succeeded. */
  data: unknown;
  /** What the caller is told, when it did not. */
  error: ErrorBody | undefined;
}

export interface CallOptions {
  /** The access token. */
  token?: string | undefined;
  /** The refresh token's cookie. */
  cookie?: string | undefined;
  headers?: Record<string, string>;
}

export interface Transport {
  name: "REST" | "RPC";
  /** The path of the refresh token's cookie. */
  cookiePath: string;
  /** The name by which this transport's callers know an input field. */
  fieldName: (procedure: string, field: string) => string;
  /** A call as this transport spells it. */
  request: (procedure: string, input?: unknown, options?: CallOptions) => HttpRequest;
  /** Sends a request and understands the answer. */
  send: (url: string, request: HttpRequest) => Promise<Answer>;
  /** Both in one. */
  call: (url: string, procedure: string, input?: unknown, options?: CallOptions) => Promise<Answer>;
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

const rest: Omit<Transport, "call"> = {
  name: "REST",
  cookiePath: `${prefix}/auth`,
  fieldName: (procedure, field) => operationOf(procedure).rest.fieldNames[field] ?? field,
  request: (procedure, input, options = {}) => {
    const { rest: spelling } = operationOf(procedure);
    const { method } = spelling;
    const values = isRecord(input) ? { ...input } : {};
    const path =
      prefix + fillPath(spelling.path, (name) => encodeURIComponent(textOf(values[name])));
    for (const name of Object.keys(values))
      if (spelling.path.includes(`{${name}}`)) delete values[name];
    const wire = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [spelling.fieldNames[name] ?? name, value]),
    );
    const headers = headersOf(options);
    if (spelling.body === "json") {
      headers["content-type"] = "application/json";
      return { method, path, headers, body: JSON.stringify(isRecord(input) ? wire : input) };
    }
    const texts = new URLSearchParams(
      Object.entries(wire).map(([name, value]): [string, string] => [name, textOf(value)]),
    ).toString();
    if (spelling.body === undefined)
      return { method, path: texts === "" ? path : `${path}?${texts}`, headers };
    headers["content-type"] = "application/x-www-form-urlencoded;charset=UTF-8";
    return { method, path, headers, body: texts };
  },
  send: async (url, request) => {
    const answer = await send(url, request);
    const { status, text } = answer;
    const body = parse(text);
    const contentType = answer.headers.get("content-type");
    const [path = ""] = request.path.split("?", 1);
    assertContract(request.method, path, { status, contentType, body, text });
    const isRefusal = status >= 400;
    return {
      ...answer,
      data: isRefusal ? undefined : body,
      // assertContract has just checked the shape.
      error: isRefusal ? (body as ErrorBody) : undefined,
    };
  },
};

const rpc: Omit<Transport, "call"> = {
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
    const answer = await send(url, request);
    const { result, error } = parse(answer.text) as {
      result?: { data: unknown };
      error?: { data: ErrorBody };
    };
    const { data } = error ?? {};
    return {
      ...answer,
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

/** Both ways in; a behaviour is tested through each. */
export const transports: readonly Transport[] = [withCall(rest), withCall(rpc)];

/** The value, attributes and flags of the refresh token's cookie that an answer sets. */
export const refreshCookieOf = (
  answer: Answer,
): { value: string; attributes: Record<string, string | true> } | undefined => {
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 1) throw new Error(`${cookies.length} cookies`);
  const [cookie] = cookies;
  if (cookie === undefined) return undefined;
  const [pair = "", ...attributes] = cookie.split("; ");
  const [name, value = ""] = pair.split("=");
  if (name !== "refresh_token") throw new Error(`A cookie named ${name}`);
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
