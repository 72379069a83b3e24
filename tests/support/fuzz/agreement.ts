import { isDeepStrictEqual } from "node:util";
import type { ErrorBody } from "@taskwire/shared";
import type { Operation } from "@taskwire/server/rest/operations.ts";
import { contractErrors } from "../docs/error-table.ts";
import type { CallResponse } from "../client/transports.ts";
import { type HttpRequest, send } from "../client/http.ts";
import { isRecord, own } from "./fields.ts";
import { renew, type Target } from "./targets.ts";

const rows = new Map(contractErrors.map((row) => [row.code, row]));

/** Words of what is behind the API, and of languages' own errors. */
const leaks =
  /zod|kysely|mikro|pglite|postgres|sql|trpc|fastify|argon|secure-json|node_modules|stack|\.ts\b|relation|constraint|column|syntax|unexpected|position|invalid_type|expected|received|undefined|NaN|\bat \w+ \(/i;

const allowed = {
  REST: ["code", "detail", "field"],
  RPC: ["code", "detail", "field", "httpStatus"],
};

/** What is wrong with an answer by itself, whatever was asked. */
const faultOf = (
  transport: "REST" | "RPC",
  { status, error, text }: CallResponse,
): string | undefined => {
  if (status >= 500) return "A server error";
  if (error === undefined) return status >= 400 ? "No error body" : undefined;
  const row = rows.get(error.code);
  if (row === undefined) return "A code that the contract does not have";
  if (row.status !== status) return `Not the status of ${error.code}`;
  if (Object.keys(error).some((key) => !allowed[transport].includes(key)))
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

/** What an answer gave, without what no two targets have in common; undefined where nothing is left. */
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

/** What all targets must agree on. */
const outcomeOf = (
  operation: Operation,
  { transport }: Target,
  { data, error }: CallResponse,
): unknown => {
  if (error === undefined) return { data: shared(data) };
  const { code, field } = error;
  const names = transport.name === "RPC" ? operation.rest.fieldNames : undefined;
  return { code, field: names?.[field ?? ""] ?? field };
};

/** The input with a target's own ids put in. */
const inputFor = ({ fixture }: Target, input: unknown): unknown => {
  if (!isRecord(input)) return input;
  const ids: Record<string, unknown> = { ...fixture };
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, value === own ? ids[name] : value]),
  );
};

/** A task must come back as the answer that stored it said. */
const readBack = async (
  { transport, server, token }: Target,
  { data }: CallResponse,
): Promise<boolean> => {
  if (!isRecord(data) || !("title" in data)) return true;
  const { id: task_id } = data;
  const { data: again } = await transport.call(server.url, "task.get", { task_id }, { token });
  return isDeepStrictEqual(again, data);
};

/** A text is stored as it was given but for the space around it; dates and addresses have their own spelling, and ids are not the caller's. */
const isKept = (input: unknown, { data }: CallResponse): boolean =>
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
  /** What all targets must agree on. */
  outcome: unknown;
  /** What is wrong with the answer by itself. */
  fault: string | undefined;
}

/** Asks all targets the same; what is wrong with any answer, or between them. */
const compare = async (
  targets: readonly Target[],
  said: readonly [string, unknown],
  ask: (target: Target) => Promise<Result>,
): Promise<string[]> => {
  const results = await Promise.all(
    targets.map((target) =>
      // A transport that cannot make sense of an answer throws.
      ask(target).catch((error: unknown): Result => ({ outcome: undefined, fault: String(error) })),
    ),
  );
  const named = (of: (result: Result) => string) =>
    results.map((result, i) => `${targets[i]?.name}: ${of(result)}`);
  const isOne = results.every(({ outcome }) => isDeepStrictEqual(outcome, results[0]?.outcome));
  return [
    ...results.flatMap(({ fault }, i) =>
      fault === undefined ? [] : [`${targets[i]?.name}: ${fault}`],
    ),
    ...(isOne ? [] : [`No agreement: ${named(({ outcome }) => short(outcome)).join(" | ")}`]),
  ].map((fault) => `${said[0]} ${short(said[1])}: ${fault}`);
};

/** What is wrong when all targets are given the same input. */
export const faultsOf = (
  targets: readonly Target[],
  operation: Operation,
  input: unknown,
): Promise<string[]> =>
  compare(targets, [operation.name, input], async (target) => {
    const { transport, server, token } = target;
    const { name, rest } = operation;
    const answer = await transport.call(server.url, name, inputFor(target, input), { token });
    const isStored =
      rest.method === "GET" || (isKept(input, answer) && (await readBack(target, answer)));
    if (rest.method === "DELETE" && answer.error === undefined) await renew(target);
    return {
      outcome: outcomeOf(operation, target, answer),
      fault:
        faultOf(transport.name, answer) ??
        (isStored ? undefined : "Not stored as given and answered"),
    };
  });

/** Whether an input is taken for what it is: refused neither for its form nor for a rule of a field. */
export const isTaken = async (
  target: Target,
  { name }: Operation,
  input: unknown,
): Promise<boolean> => {
  const { transport, server, token } = target;
  const { status } = await transport.call(server.url, name, inputFor(target, input), { token });
  return status !== 400 && status !== 422;
};

/**
 * What is wrong when all targets are sent a request that is spoilt in the same way.
 * @param spoil makes the request from the one that a target would have sent
 */
export const faultsOfRaw = (
  targets: readonly Target[],
  operation: Operation,
  input: unknown,
  how: unknown,
  spoil: (request: HttpRequest, target: Target) => HttpRequest,
): Promise<string[]> =>
  compare(targets, [operation.name, how], async (target) => {
    const { transport, server, token } = target;
    const request = transport.request(operation.name, inputFor(target, input), { token });
    const answer = await transport.send(server.url, spoil(request, target));
    if (operation.rest.method === "DELETE" && answer.error === undefined) await renew(target);
    return {
      outcome: outcomeOf(operation, target, answer),
      fault: faultOf(transport.name, answer),
    };
  });

const callsIn = (body: unknown): unknown[] => (Array.isArray(body) ? body : [body]);

/** What is wrong when tRPC is sent a path, and whatever that makes of calls in one request. */
export const faultsOfEnvelope = (
  targets: readonly Target[],
  method: string,
  path: string,
): Promise<string[]> =>
  compare(targets, [method, path], async ({ server, token }) => {
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
