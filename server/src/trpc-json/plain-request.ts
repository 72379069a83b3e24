import type { FastifyRequest } from "fastify";

type CallType = "query" | "mutation";

/** How a procedure is called. */
export interface PlainProcedure<Context> {
  type: CallType | "subscription";
  /** @throws {TRPCError} */
  invoke: (ctx: Context, input: unknown) => Promise<unknown>;
}

/** One call of a request. */
export interface PlainCall<Procedure> {
  /** Such as `task.list`. */
  path: string;
  procedure: Procedure;
  /** Parsed JSON; undefined if the request has no input for the call. */
  input: unknown;
}

/** A request of plain calls, all of one type. */
export interface PlainRequest<Procedure> {
  isBatch: boolean;
  calls: readonly PlainCall<Procedure>[];
}

/** Returns the parameters `batch` and `input`, or undefined if there is anything else. */
const parametersOf = (query: string): { isBatch: boolean; input?: string } | undefined => {
  let isBatch = false;
  let input: string | undefined;
  for (const pair of query === "" ? [] : query.split("&")) {
    if (pair === "batch=1" && !isBatch) isBatch = true;
    else if (pair.startsWith("input=") && input === undefined) {
      // As `URLSearchParams` decodes it. It would accept what is malformed, so this throws there.
      input = decodeURIComponent(pair.slice("input=".length).replaceAll("+", " "));
    } else return undefined;
  }
  return input === undefined ? { isBatch } : { isBatch, input };
};

/** Returns the input of each call, or undefined if they are not as they should be. */
const inputsOf = (text: string, isBatch: boolean, count: number): unknown[] | undefined => {
  if (text === "") return Array.from({ length: count }, () => undefined);
  const parsed: unknown = JSON.parse(text);
  if (!isBatch) return [parsed];
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  return Array.from({ length: count }, (_, index): unknown => Reflect.get(parsed, String(index)));
};

const acceptsJson = ({ accept, "trpc-accept": format }: FastifyRequest["headers"]): boolean =>
  format === undefined && accept !== "application/jsonl";

/** Reads a request that must be plain. @throws {Error} if its encoding or JSON is not valid */
const read = <Procedure extends Pick<PlainProcedure<never>, "type">>(
  { method, url, headers, body }: FastifyRequest,
  prefix: string,
  procedures: ReadonlyMap<string, Procedure>,
  maxBatchSize: number,
): PlainRequest<Procedure> | undefined => {
  const isGet = method === "GET";
  if ((!isGet && method !== "POST") || !acceptsJson(headers)) return undefined;
  const [path = "", query = "", ...more] = url.split("?");
  if (more.length > 0 || /[%#]/.test(path) || query.includes("#")) return undefined;
  const parameters = parametersOf(query);
  if (parameters === undefined) return undefined;
  const { isBatch, input = "" } = parameters;
  const text = isGet ? input : body;
  if (typeof text !== "string") return undefined;
  const names = path.slice(prefix.length + 1);
  const paths = isBatch ? names.split(",") : [names];
  if (paths.length > maxBatchSize) return undefined;
  const inputs = inputsOf(text, isBatch, paths.length);
  if (inputs === undefined) return undefined;
  const type = procedures.get(paths[0] ?? "")?.type;
  if (type !== "query" && (type !== "mutation" || isGet)) return undefined;
  const calls: PlainCall<Procedure>[] = [];
  for (const [index, each] of paths.entries()) {
    const procedure = procedures.get(each);
    if (procedure?.type !== type) return undefined;
    calls.push({ path: each, procedure, input: inputs[index] });
  }
  return { isBatch, calls };
};

/**
 * Reads the calls of a request if it is a plain one: queries by GET or POST, or mutations by POST, with JSON, of known
 * procedures. Returns undefined for any other, also if anything in it is not valid: tRPC's own adapter finds the right error.
 * @param prefix the path of the mount, such as `/trpc`
 * @param procedures by their names
 * @param maxBatchSize calls of one request
 */
export const plainRequestOf = <Procedure extends Pick<PlainProcedure<never>, "type">>(
  ...args: Parameters<typeof read<Procedure>>
): PlainRequest<Procedure> | undefined => {
  try {
    return read(...args);
  } catch {
    return undefined;
  }
};
