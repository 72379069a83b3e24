import type { ErrorBody } from "@taskwire/shared";
import {
  fillPath,
  type Operation,
  operationsOf,
  prefix,
} from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { assertContract } from "./contract.ts";

/** One answer, the same for both faces. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The body as it came. */
  text: string;
  /** What the procedure gave, when it succeeded. */
  data: unknown;
  /** What the caller is told, when it did not. */
  error: ErrorBody | undefined;
}

interface CallOptions {
  /** The access token. */
  token?: string | undefined;
  /** The refresh token's cookie. */
  cookie?: string | undefined;
  headers?: Record<string, string>;
}

export interface Face {
  name: "REST" | "RPC";
  /** The path of the refresh token's cookie. */
  cookiePath: string;
  /** The name by which this face's callers know an input field. */
  fieldName: (procedure: string, field: string) => string;
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

const rest: Face = {
  name: "REST",
  cookiePath: `${prefix}/auth`,
  fieldName: (procedure, field) => operationOf(procedure).rest.fields?.[field] ?? field,
  call: async (url, procedure, input, options = {}) => {
    const { rest: spelling } = operationOf(procedure);
    const values = isRecord(input) ? { ...input } : {};
    const path =
      prefix + fillPath(spelling.path, (name) => encodeURIComponent(textOf(values[name])));
    for (const name of Object.keys(values))
      if (spelling.path.includes(`{${name}}`)) delete values[name];
    const wire = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [spelling.fields?.[name] ?? name, value]),
    );
    const request: RequestInit & { headers: Record<string, string> } = {
      method: spelling.method,
      headers: headersOf(options),
    };
    let query = "";
    if (spelling.body === "json") {
      request.headers["content-type"] = "application/json";
      request.body = JSON.stringify(isRecord(input) ? wire : input);
    } else {
      const texts = new URLSearchParams(
        Object.entries(wire).map(([name, value]): [string, string] => [name, textOf(value)]),
      );
      if (spelling.body === "form") request.body = texts;
      else if (texts.size > 0) query = `?${texts.toString()}`;
    }
    const response = await fetch(url + path + query, request);
    const text = await response.text();
    const body = parse(text);
    const contentType = response.headers.get("content-type");
    assertContract(spelling.method, path, { status: response.status, contentType, body, text });
    return {
      status: response.status,
      headers: response.headers,
      text,
      data: response.ok ? body : undefined,
      // assertContract has just checked the shape.
      error: response.ok ? undefined : (body as ErrorBody),
    };
  },
};

const rpc: Face = {
  name: "RPC",
  cookiePath: "/trpc",
  fieldName: (_procedure, field) => field,
  call: async (url, procedure, input, options = {}) => {
    const isQuery = operationOf(procedure).procedure._def.type === "query";
    const text = input === undefined ? undefined : JSON.stringify(input);
    const query = isQuery && text !== undefined ? `?input=${encodeURIComponent(text)}` : "";
    const response = await fetch(`${url}/trpc/${procedure}${query}`, {
      method: isQuery ? "GET" : "POST",
      headers: {
        ...(isQuery ? {} : { "content-type": "application/json" }),
        ...headersOf(options),
      },
      ...(isQuery || text === undefined ? {} : { body: text }),
    });
    const body = await response.text();
    const { result, error } = parse(body) as {
      result?: { data: unknown };
      error?: { data: ErrorBody };
    };
    const { data } = error ?? {};
    return {
      status: response.status,
      headers: response.headers,
      text: body,
      data: result?.data,
      error: data === undefined ? undefined : { ...data },
    };
  },
};

/** Both ways in; a behaviour is tested through each. */
export const faces: readonly Face[] = [rest, rpc];

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
