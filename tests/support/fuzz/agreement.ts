import { isDeepStrictEqual } from "node:util";
import type { ErrorBody } from "@taskwire/shared";
import type { Operation } from "@taskwire/server/rest/operations.ts";
import { contractErrors } from "../error-table.ts";
import type { Answer } from "../faces.ts";
import { type HttpRequest, send } from "../http.ts";
import { isRecord, own } from "./fields.ts";
import { renew, type Side } from "./sides.ts";

const rows = new Map(contractErrors.map((row) => [row.code, row]));

/** Words of what is behind the API, and of languages' own errors. */
const leaks =
  /zod|kysely|mikro|pglite|postgres|sql|trpc|fastify|argon|secure-json|node_modules|stack|\.ts\b|relation|constraint|column|syntax|unexpected|position|invalid_type|expected|received|undefined|NaN|\bat \w+ \(/i;

const allowed = {
  REST: ["code", "detail", "field"],
  RPC: ["code", "detail", "field", "httpStatus"],
};

/** What is wrong with an answer by itself, whatever was asked. */
const faultOf = (face: "REST" | "RPC", { status, error, text }: Answer): string | undefined => {
  if (status >= 500) return "A server error";
  if (error === undefined) return status >= 400 ? "No error body" : undefined;
  const row = rows.get(error.code);
  if (row === undefined) return "A code that the contract does not have";
  if (row.status !== status) return `Not the status of ${error.code}`;
  if (Object.keys(error).some((key) => !allowed[face].includes(key)))
    return "More than an error body";
  if (error.code !== "VALIDATION_ERROR" && error.detail !== row.detail) return "Another sentence";
  return leaks.test(text) ? "A word of what is behind the API" : undefined;
};

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** A fixture's tag is named after its task. */
const numbered = /^own \d+$/;
const ownKeys = new Set([
  "id",
  "created_at",
  "updated_at",
  "access_token",
  "last_used_at",
  "expires_at",
]);

/** What an answer gave, without what no two sides have in common; undefined where nothing is left. */
const shared = (data: unknown): unknown => {
  if (data === undefined) return undefined;
  const text = JSON.stringify(data, (key, value: unknown) => {
    // Only tRPC has it.
    if (key === "next_cursor") return undefined;
    const isOwn = typeof value === "string" && (uuid.test(value) || numbered.test(value));
    return ownKeys.has(key) || isOwn ? "its own" : value;
  });
  return JSON.parse(text) as unknown;
};

/** What all sides must agree on. */
const outcomeOf = (operation: Operation, { face }: Side, { data, error }: Answer): unknown => {
  if (error === undefined) return { data: shared(data) };
  const { code, field } = error;
  const names = face.name === "RPC" ? operation.rest.fields : undefined;
  return { code, field: names?.[field ?? ""] ?? field };
};

/** The input with a side's own ids put in. */
const inputFor = ({ fixture }: Side, input: unknown): unknown => {
  if (!isRecord(input)) return input;
  const ids: Record<string, unknown> = { ...fixture };
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, value === own ? ids[name] : value]),
  );
};

/** A task must come back as the answer that stored it said. */
const readBack = async ({ face, server, token }: Side, { data }: Answer): Promise<boolean> => {
  if (!isRecord(data) || !("title" in data)) return true;
  const { id: task_id } = data;
  const { data: again } = await face.call(server.url, "task.get", { task_id }, { token });
  return isDeepStrictEqual(again, data);
};

/** A text is stored as it was given but for the space around it; dates and addresses have their own spelling, and ids are not the caller's. */
const isKept = (input: unknown, { data }: Answer): boolean =>
  !isRecord(input) ||
  !isRecord(data) ||
  Object.entries(input).every(([name, given]) => {
    const kept = data[name];
    if (typeof given !== "string" || typeof kept !== "string") return true;
    return /date|email|_at$|^id$|user_id/.test(name) || kept.trim() === given.trim();
  });

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 200 ? `${text.slice(0, 150)}… (${text.length})` : text;
};

interface Result {
  /** What all sides must agree on. */
  outcome: unknown;
  /** What is wrong with the answer by itself. */
  fault: string | undefined;
}

/** Asks all sides the same; what is wrong with any answer, or between them. */
const compare = async (
  sides: readonly Side[],
  said: readonly [string, unknown],
  ask: (side: Side) => Promise<Result>,
): Promise<string[]> => {
  const results = await Promise.all(
    sides.map((side) =>
      // A face that cannot make sense of an answer throws.
      ask(side).catch((error: unknown): Result => ({ outcome: undefined, fault: String(error) })),
    ),
  );
  const named = (of: (result: Result) => string) =>
    results.map((result, i) => `${sides[i]?.name}: ${of(result)}`);
  const isOne = results.every(({ outcome }) => isDeepStrictEqual(outcome, results[0]?.outcome));
  return [
    ...results.flatMap(({ fault }, i) =>
      fault === undefined ? [] : [`${sides[i]?.name}: ${fault}`],
    ),
    ...(isOne ? [] : [`No agreement: ${named(({ outcome }) => short(outcome)).join(" | ")}`]),
  ].map((fault) => `${said[0]} ${short(said[1])}: ${fault}`);
};

/** What is wrong when all sides are given the same input. */
export const faultsOf = (
  sides: readonly Side[],
  operation: Operation,
  input: unknown,
): Promise<string[]> =>
  compare(sides, [operation.name, input], async (side) => {
    const { face, server, token } = side;
    const { name, rest } = operation;
    const answer = await face.call(server.url, name, inputFor(side, input), { token });
    const isStored =
      rest.method === "GET" || (isKept(input, answer) && (await readBack(side, answer)));
    if (rest.method === "DELETE" && answer.error === undefined) await renew(side);
    return {
      outcome: outcomeOf(operation, side, answer),
      fault:
        faultOf(face.name, answer) ?? (isStored ? undefined : "Not stored as given and answered"),
    };
  });

/** Whether an input is taken for what it is: refused neither for its form nor for a rule of a field. */
export const isTaken = async (
  side: Side,
  { name }: Operation,
  input: unknown,
): Promise<boolean> => {
  const { face, server, token } = side;
  const { status } = await face.call(server.url, name, inputFor(side, input), { token });
  return status !== 400 && status !== 422;
};

/**
 * What is wrong when all sides are sent a request that is spoilt in the same way.
 * @param spoil makes the request from the one that a side would have sent
 */
export const faultsOfRaw = (
  sides: readonly Side[],
  operation: Operation,
  input: unknown,
  how: unknown,
  spoil: (request: HttpRequest, side: Side) => HttpRequest,
): Promise<string[]> =>
  compare(sides, [operation.name, how], async (side) => {
    const { face, server, token } = side;
    const request = face.request(operation.name, inputFor(side, input), { token });
    const answer = await face.send(server.url, spoil(request, side));
    if (operation.rest.method === "DELETE" && answer.error === undefined) await renew(side);
    return { outcome: outcomeOf(operation, side, answer), fault: faultOf(face.name, answer) };
  });

const callsIn = (body: unknown): unknown[] => (Array.isArray(body) ? body : [body]);

/** What is wrong when tRPC is sent a path, and whatever that makes of calls in one request. */
export const faultsOfEnvelope = (
  sides: readonly Side[],
  method: string,
  path: string,
): Promise<string[]> =>
  compare(sides, [method, path], async ({ server, token }) => {
    const isPost = method === "POST";
    const headers = {
      authorization: `Bearer ${token}`,
      ...(isPost ? { "content-type": "application/json" } : {}),
    };
    const body = isPost ? "{}" : undefined;
    const answer = await send(server.url, { method, path, headers, body });
    const answered: unknown = JSON.parse(answer.text);
    const faults = callsIn(answered).map((each) => {
      // A path that is none of tRPC's is answered like every unknown one.
      const { result, error = { data: each } } = each as {
        result?: unknown;
        error?: { data: unknown };
      };
      if (result !== undefined) return undefined;
      const data = error.data as ErrorBody & { httpStatus?: number }; // Looked at by faultOf.
      const { httpStatus: status = answer.status } = data;
      return faultOf("RPC", { ...answer, status, data: undefined, error: data });
    });
    const fault =
      answer.status >= 500 ? "A server error" : faults.find((each) => each !== undefined);
    return { outcome: { status: answer.status, answered: shared(answered) }, fault };
  });
