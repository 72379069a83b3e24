import { isDeepStrictEqual } from "node:util";
import type { ErrorBody } from "@taskwire/shared";
import type { Operation } from "@taskwire/server/rest/operations.ts";
import { isTrailingSlashRedirect } from "../conformance/redirects.ts";
import { contractErrors } from "../docs/error-table.ts";
import type { CallResponse } from "../client/transports.ts";
import { type HttpRequest, send } from "../client/http.ts";
import { fixtureId, isRecord } from "./fields.ts";
import { renewFixture, type Target } from "./targets.ts";

const contractErrorByCode = new Map(contractErrors.map((row) => [row.code, row]));

/** Names of internal libraries, and words of built-in JavaScript and SQL errors. */
const internalWords =
  /zod|kysely|mikro|pglite|postgres|sql|trpc|fastify|argon|secure-json|node_modules|stack|\.ts\b|relation|constraint|column|syntax|unexpected|position|invalid_type|expected|received|undefined|NaN|\bat \w+ \(/i;

const allowedErrorKeys = {
  REST: ["code", "detail", "field"],
  RPC: ["code", "detail", "field", "httpStatus"],
};

/** Returns how a single response breaks the contract, whatever the request was; undefined if it does not. */
const violationOf = (
  transport: "REST" | "RPC",
  { status, error, text }: CallResponse,
): string | undefined => {
  if (status >= 500) return "A server error";
  if (error === undefined) return status >= 400 ? "No error body" : undefined;
  const row = contractErrorByCode.get(error.code);
  if (row === undefined) return "An error code that the contract does not have";
  if (row.status !== status) return `Not the status of ${error.code}`;
  if (Object.keys(error).some((key) => !allowedErrorKeys[transport].includes(key)))
    return "Additional keys in the error body";
  if (error.code !== "VALIDATION_ERROR" && error.detail !== row.detail)
    return "Not the contract's error sentence";
  return internalWords.test(text) ? "A word that reveals internals" : undefined;
};

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** A fixture's tag contains the id of its task in its name. */
const fixtureTagName = /^own \d+$/;
const targetSpecificKeys = new Set([
  "id",
  "created_at",
  "updated_at",
  "access_token",
  "last_used_at",
  "expires_at",
]);

/** Returns response data with ids, times and tokens masked, as these differ between targets. */
const maskTargetSpecific = (data: unknown): unknown => {
  if (data === undefined) return undefined;
  const text = JSON.stringify(data, (key, value: unknown) => {
    // REST has no cursors.
    if (key === "next_cursor") return undefined;
    const isSpecific =
      typeof value === "string" && (uuid.test(value) || fixtureTagName.test(value));
    return targetSpecificKeys.has(key) || isSpecific ? "masked" : value;
  });
  return JSON.parse(text) as unknown;
};

/** Returns the part of a response that must be equal on all targets: masked data, or code and field. */
const outcomeOf = (
  operation: Operation,
  { transport }: Target,
  { data, error }: CallResponse,
): unknown => {
  if (error === undefined) return { data: maskTargetSpecific(data) };
  const { code, field } = error;
  const names = transport.name === "RPC" ? operation.rest.fieldNames : undefined;
  return { code, field: names?.[field ?? ""] ?? field };
};

/** Returns the input with each placeholder replaced by the target's fixture id. */
const resolveFixtureIds = ({ fixture }: Target, input: unknown): unknown => {
  if (!isRecord(input)) return input;
  const ids: Record<string, unknown> = { ...fixture };
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, value === fixtureId ? ids[name] : value]),
  );
};

/** Returns whether a task that a write returned is read back unchanged; true for other data. */
const readsBackEqual = async (
  { transport, server, token }: Target,
  { data }: CallResponse,
): Promise<boolean> => {
  if (!isRecord(data) || !("title" in data)) return true;
  const { id: task_id } = data;
  const { data: readBack } = await transport.call(server.url, "task.get", { task_id }, { token });
  return isDeepStrictEqual(readBack, data);
};

/**
 * Returns whether the response repeats the input's texts, apart from surrounding space. Dates,
 * addresses and ids are normalized by the server, and skipped.
 */
const repeatsTexts = (input: unknown, { data }: CallResponse): boolean =>
  !isRecord(input) ||
  !isRecord(data) ||
  Object.entries(input).every(([name, sent]) => {
    const returned = data[name];
    if (typeof sent !== "string" || typeof returned !== "string") return true;
    return /date|email|_at$|^id$|user_id/.test(name) || returned.trim() === sent.trim();
  });

const abbreviate = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 200 ? `${text.slice(0, 150)}… (${text.length})` : text;
};

interface Result {
  /** Must be equal on all targets. */
  outcome: unknown;
  /** How this response alone breaks the contract. */
  violation: string | undefined;
}

/**
 * Sends the same request to all targets. Returns the violations of each response, and one more if
 * outcomes differ.
 */
const compareTargets = async (
  targets: readonly Target[],
  [label, detail]: readonly [label: string, detail: unknown],
  request: (target: Target) => Promise<Result>,
): Promise<string[]> => {
  const results = await Promise.all(
    targets.map((target) =>
      // A transport throws when it cannot parse a response.
      request(target).catch((error: unknown): Result => ({
        outcome: undefined,
        violation: String(error),
      })),
    ),
  );
  const isEqual = results.every(({ outcome }) => isDeepStrictEqual(outcome, results[0]?.outcome));
  const outcomes = results.map(({ outcome }, i) => `${targets[i]?.name}: ${abbreviate(outcome)}`);
  return [
    ...results.flatMap(({ violation }, i) =>
      violation === undefined ? [] : [`${targets[i]?.name}: ${violation}`],
    ),
    ...(isEqual ? [] : [`Outcomes differ: ${outcomes.join(" | ")}`]),
  ].map((violation) => `${label} ${abbreviate(detail)}: ${violation}`);
};

/**
 * Calls an operation with the same input on all targets. Returns contract violations and
 * differences between targets.
 */
export const findViolations = (
  targets: readonly Target[],
  operation: Operation,
  input: unknown,
): Promise<string[]> =>
  compareTargets(targets, [operation.name, input], async (target) => {
    const { transport, server, token } = target;
    const { name, rest } = operation;
    const resolved = resolveFixtureIds(target, input);
    const response = await transport.call(server.url, name, resolved, { token });
    const isStored =
      rest.method === "GET" ||
      (repeatsTexts(input, response) && (await readsBackEqual(target, response)));
    if (rest.method === "DELETE" && response.error === undefined) await renewFixture(target);
    return {
      outcome: outcomeOf(operation, target, response),
      violation:
        violationOf(transport.name, response) ??
        (isStored ? undefined : "Stored data differ from the input or the response"),
    };
  });

/** Returns whether a target accepts an input: its status is neither 400 nor 422. */
export const acceptsInput = async (
  target: Target,
  { name }: Operation,
  input: unknown,
): Promise<boolean> => {
  const { transport, server, token } = target;
  const resolved = resolveFixtureIds(target, input);
  const { status } = await transport.call(server.url, name, resolved, { token });
  return status !== 400 && status !== 422;
};

/**
 * Sends the same modified request to all targets. Returns contract violations and differences between targets.
 * @param label describes the modification in the violations
 * @param modify returns the request to send, from the regular request of a target
 */
export const findViolationsOfRequest = (
  targets: readonly Target[],
  operation: Operation,
  input: unknown,
  label: unknown,
  modify: (request: HttpRequest, target: Target) => HttpRequest,
): Promise<string[]> =>
  compareTargets(targets, [operation.name, label], async (target) => {
    const { transport, server, token } = target;
    const request = transport.request(operation.name, resolveFixtureIds(target, input), { token });
    const response = await transport.send(server.url, modify(request, target));
    if (operation.rest.method === "DELETE" && response.error === undefined)
      await renewFixture(target);
    return {
      outcome: outcomeOf(operation, target, response),
      violation: violationOf(transport.name, response),
    };
  });

/**
 * Sends the same raw path below /trpc to all targets, where it may be a batch. Returns contract
 * violations and differences.
 */
export const findViolationsOfTrpcPath = (
  targets: readonly Target[],
  method: string,
  path: string,
): Promise<string[]> =>
  compareTargets(targets, [method, path], async ({ server, token }) => {
    const isPost = method === "POST";
    const headers = {
      authorization: `Bearer ${token}`,
      ...(isPost ? { "content-type": "application/json" } : {}),
    };
    const response = await send(server.url, {
      method,
      path,
      headers,
      body: isPost ? "{}" : undefined,
    });
    if (isTrailingSlashRedirect({ path }, response))
      return { outcome: { status: response.status }, violation: undefined };
    const body: unknown = JSON.parse(response.text);
    const batch: unknown[] = Array.isArray(body) ? body : [body];
    const violations = batch.map((item) => {
      // A path that tRPC does not serve has a plain error body, without tRPC's envelope.
      const { result, error = { data: item } } = item as {
        result?: unknown;
        error?: { data: unknown };
      };
      if (result !== undefined) return undefined;
      const data = error.data as ErrorBody & { httpStatus?: number }; // Safe: violationOf checks it.
      const { httpStatus: status = response.status } = data;
      return violationOf("RPC", { ...response, status, data: undefined, error: data });
    });
    const violation =
      response.status >= 500 ? "A server error" : violations.find((each) => each !== undefined);
    return { outcome: { status: response.status, body: maskTargetSpecific(body) }, violation };
  });
