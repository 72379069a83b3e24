import type { HttpRequest } from "../../support/client/http.ts";
import { create, hello, page } from "./handlers.ts";
import { createInput, helloInput, pageInput } from "./schemas.ts";

/** The parameters of a procedure in one turn. */
type Input = Record<string, string | number>;

/** What is measured. */
export type OperationName = "hello" | "page of 20" | "create" | "batch of five";

/** One procedure: its inputs, and what every server has to return. */
interface Procedure {
  name: "hello" | "page" | "create";
  isQuery: boolean;
  /** The path in a REST API. */
  path: string;
  inputOf: (turn: number) => Input;
  outputOf: (input: Input) => unknown;
}

const procedures = {
  hello: {
    name: "hello",
    isQuery: true,
    path: "/hello",
    inputOf: (turn) => ({ name: `Ada ${turn}` }),
    outputOf: (input) => hello(helloInput.parse(input)),
  },
  "page of 20": {
    name: "page",
    isQuery: true,
    path: "/tasks",
    inputOf: (turn) => ({ limit: 20, offset: 20 * (turn % 5) }),
    outputOf: (input) => page(pageInput.parse(input)),
  },
  create: {
    name: "create",
    isQuery: false,
    path: "/tasks",
    inputOf: (turn) => ({
      title: `Task ${turn}`,
      description: "Created by a benchmark",
      priority: "high",
      due_date: "2030-01-31T17:00:00Z",
    }),
    outputOf: (input) => create(createInput.parse(input)),
  },
} satisfies Record<string, Procedure>;

const batchSize = 5;

/** One request, and the part of its response that all servers have in common. */
export interface Exchange {
  /** Returns the request of a turn. */
  requestOf: (turn: number) => BenchRequest;
  /** Takes the output out of what the protocol adds to it. */
  unwrap: (body: unknown) => unknown;
  /** Returns the output of a turn. */
  expected: (turn: number) => unknown;
}

type BenchRequest = Pick<HttpRequest, "path" | "headers"> & {
  method: "GET" | "POST";
  body?: string;
};

const post = (path: string, body: unknown): BenchRequest => ({
  method: "POST",
  path,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

const get = (path: string): BenchRequest => ({ method: "GET", path });

const json = (value: unknown): string => encodeURIComponent(JSON.stringify(value));

const field = (name: string) => (body: unknown) =>
  typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;

/** How a server is called. */
export interface Protocol {
  request: (procedure: Procedure, input: Input) => BenchRequest;
  unwrap: Exchange["unwrap"];
  /** Undefined where one request has one call only. */
  batch?: (procedure: Procedure, inputs: readonly Input[]) => BenchRequest;
}

export const rest = (prefix = ""): Protocol => ({
  request: ({ path, isQuery }, input) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(input)) query.set(name, String(value));
    return isQuery ? get(`${prefix}${path}?${query.toString()}`) : post(prefix + path, input);
  },
  unwrap: (body) => body,
});

const dataOf = (body: unknown): unknown => field("data")(field("result")(body));

export const trpc: Protocol = {
  request: ({ name, isQuery }, input) =>
    isQuery ? get(`/trpc/${name}?input=${json(input)}`) : post(`/trpc/${name}`, input),
  unwrap: (body) => (Array.isArray(body) ? body.map(dataOf) : dataOf(body)),
  batch: ({ name }, inputs) =>
    get(
      `/trpc/${inputs.map(() => name).join(",")}?batch=1&input=${json(Object.fromEntries(inputs.entries()))}`,
    ),
};

export const orpc: Protocol = {
  request: ({ name, isQuery }, input) =>
    isQuery ? get(`/${name}?data=${json({ json: input })}`) : post(`/${name}`, { json: input }),
  unwrap: field("json"),
};

/** Returns how an operation is measured over a protocol; undefined if that has no such call. */
export const exchangeOf = (
  operation: OperationName,
  { request, unwrap, batch }: Protocol,
): Exchange | undefined => {
  if (operation !== "batch of five") {
    const procedure: Procedure = procedures[operation];
    const { inputOf, outputOf } = procedure;
    return {
      requestOf: (turn) => request(procedure, inputOf(turn)),
      unwrap,
      expected: (turn) => outputOf(inputOf(turn)),
    };
  }
  if (batch === undefined) return undefined;
  const { hello: procedure } = procedures;
  const inputsOf = (turn: number): Input[] =>
    Array.from({ length: batchSize }, (_, index) => procedure.inputOf(turn + index));
  return {
    requestOf: (turn) => batch(procedure, inputsOf(turn)),
    unwrap,
    expected: (turn) => inputsOf(turn).map(procedure.outputOf),
  };
};

export const operationNames = ["hello", "page of 20", "create", "batch of five"] as const;
