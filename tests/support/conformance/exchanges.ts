import { randomUUID } from "node:crypto";
import { type ErrorCode, errorCodes } from "@taskwire/shared";
import { type Operation, operationsOf } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import type { CallOptions } from "../client/transports.ts";
import type { HttpRequest } from "../client/http.ts";
import { type Environment, registerUser, type ServerState } from "./environments.ts";

/** A request to an operation, with the success status or error code that it must return. */
export interface Exchange {
  procedure: string;
  expected: number | ErrorCode;
  serverState: ServerState;
  /** How often the request is sent; the last response is compared. */
  times: number;
  input: (environment: Environment) => unknown;
  options: (environment: Environment) => CallOptions;
  /** Returns the request to send, from the regular request of the operation. */
  modify: (request: HttpRequest) => HttpRequest;
}

type Input = Exchange["input"];

const linkedTag: Input = ({ task_id, tag_id }) => ({ task_id, tag_id });
const unlinkedTag: Input = ({ task_id, other }) => ({ task_id, tag_id: other.tag_id });
const newTask = { title: "A", completed: true, priority: "high" };
const newAccount: Input = () => ({
  email: `${randomUUID()}@example.com`,
  password: "correct horse",
});

const passwordChange = ({ password }: Environment) => ({
  current_password: password,
  new_password: "new horse",
});
const passwordConfirmation = ({ password }: Environment) => ({ password });

/** A valid input for each procedure. */
const validInputs: Record<string, Input> = {
  "auth.register": newAccount,
  "auth.login": registerUser,
  "auth.refresh": () => undefined,
  "auth.logout": () => undefined,
  "auth.me": () => undefined,
  "auth.listSessions": () => undefined,
  "auth.revokeSession": ({ sid }) => ({ session_id: sid }),
  "auth.revokeOtherSessions": () => undefined,
  "auth.changePassword": passwordChange,
  "auth.deleteAccount": passwordConfirmation,
  "task.create": () => newTask,
  "task.list": () => ({ page: 1, limit: 10, status: "all", sort: "-due_date" }),
  "task.get": ({ task_id }) => ({ task_id }),
  "task.update": ({ task_id }) => ({ task_id, ...newTask }),
  "task.patch": ({ task_id }) => ({ task_id, title: "B" }),
  "task.delete": ({ task_id }) => ({ task_id }),
  "task.addTag": unlinkedTag,
  "task.removeTag": linkedTag,
  "tag.create": () => ({ name: "New" }),
  "tag.list": () => undefined,
  "tag.update": ({ tag_id }) => ({ tag_id, name: "Renamed" }),
  "tag.delete": ({ tag_id }) => ({ tag_id }),
};

/** The same for a server that cannot register a user or set a password first. */
const inputsWithoutSetup: typeof validInputs = {
  ...validInputs,
  "auth.login": newAccount,
  "auth.changePassword": passwordChange,
  "auth.deleteAccount": passwordConfirmation,
};

const signedIn: Exchange["options"] = ({ token, cookie }) => ({ token, cookie });

const exchange = (
  procedure: string,
  expected: Exchange["expected"],
  overrides: Partial<Exchange> = {},
): Exchange => ({
  procedure,
  expected,
  serverState: "healthy",
  times: 1,
  input: validInputs[procedure] ?? (() => undefined),
  options: signedIn,
  modify: (request) => request,
  ...overrides,
});

const exchangeWithoutSetup = (
  procedure: string,
  code: ErrorCode,
  overrides: Partial<Exchange>,
): Exchange =>
  exchange(procedure, code, {
    input: inputsWithoutSetup[procedure] ?? (() => undefined),
    ...overrides,
  });

type InvalidFields = Record<string, unknown> | ((environment: Environment) => object);

/** Returns an exchange for each error code: the valid input with some fields replaced by invalid ones. */
const invalidExchanges = (
  procedure: string,
  invalidFieldsByCode: Partial<Record<ErrorCode, InvalidFields>>,
): Exchange[] =>
  errorCodes.flatMap((code) => {
    const invalidFields = invalidFieldsByCode[code];
    if (invalidFields === undefined) return [];
    const input: Input = async (environment) => ({
      ...Object(await validInputs[procedure]?.(environment)),
      ...(typeof invalidFields === "function" ? invalidFields(environment) : invalidFields),
    });
    return [exchange(procedure, code, { input })];
  });

/**
 * The largest id, which no row has. A literal, so that it does not follow a change of the server's
 * own limit.
 */
const unusedId = 2_147_483_647;

const invalidTaskFields = {
  INVALID_TITLE: { title: " " },
  DESCRIPTION_TOO_LONG: { description: "x".repeat(1001) },
  INVALID_PRIORITY: { priority: "urgent" },
  INVALID_DUE_DATE: { due_date: "tomorrow" },
  INVALID_RECURRENCE_RULE: { recurrence_rule: "daily" },
  VALIDATION_ERROR: { completed: "yes" },
};
const invalidTaskId = {
  TASK_NOT_FOUND: { task_id: unusedId },
  VALIDATION_ERROR: { task_id: "first" },
};
const invalidTagId = { TAG_NOT_FOUND: { tag_id: unusedId }, VALIDATION_ERROR: { tag_id: "first" } };
const invalidTagFields = {
  INVALID_TAG_NAME: { name: "" },
  INVALID_COLOR: { color: "red" },
  TAG_ALREADY_EXISTS: ({ other }: Environment) => ({ name: other.name }),
  VALIDATION_ERROR: { name: 5 },
};

const operationSpecificExchanges: readonly Exchange[] = [
  ...invalidExchanges("auth.register", {
    EMAIL_ALREADY_EXISTS: ({ email }) => ({ email }),
    PASSWORD_TOO_SHORT: { password: "1234567" },
    INVALID_EMAIL: { email: "no-at-sign" },
    VALIDATION_ERROR: { password: 5 },
  }),
  ...invalidExchanges("auth.login", {
    INVALID_CREDENTIALS: { password: "wrong horse" },
    VALIDATION_ERROR: { password: "a\0" },
  }),
  exchange("auth.refresh", "MISSING_REFRESH_TOKEN", { options: () => ({}) }),
  exchange("auth.refresh", "REFRESH_TOKEN_EXPIRED", { options: ({ expired }) => expired }),
  exchange("auth.refresh", "INVALID_TOKEN", { options: () => ({ cookie: "a.b.c" }) }),
  exchange("auth.refresh", "INVALID_TOKEN_TYPE", { options: ({ token }) => ({ cookie: token }) }),
  ...invalidExchanges("auth.revokeSession", { VALIDATION_ERROR: { session_id: "first" } }),
  ...invalidExchanges("auth.changePassword", {
    INVALID_CREDENTIALS: { current_password: "wrong horse" },
    PASSWORD_TOO_SHORT: { new_password: "1234567" },
    VALIDATION_ERROR: { new_password: 5 },
  }),
  ...invalidExchanges("auth.deleteAccount", {
    INVALID_CREDENTIALS: { password: "wrong horse" },
    VALIDATION_ERROR: { password: 5 },
  }),
  ...invalidExchanges("task.create", invalidTaskFields),
  ...invalidExchanges("task.list", {
    INVALID_PAGINATION: { page: 0 },
    INVALID_STATUS: { status: "done" },
    INVALID_PRIORITY: { priority: "urgent" },
    INVALID_SORT_FIELD: { sort: "id" },
    VALIDATION_ERROR: { q: "a\0" },
  }),
  ...invalidExchanges("task.get", invalidTaskId),
  ...invalidExchanges("task.update", { ...invalidTaskId, ...invalidTaskFields }),
  ...invalidExchanges("task.patch", { ...invalidTaskId, ...invalidTaskFields }),
  ...invalidExchanges("task.delete", invalidTaskId),
  exchange("task.addTag", 200, { input: linkedTag }),
  ...invalidExchanges("task.addTag", { ...invalidTaskId, ...invalidTagId }),
  ...invalidExchanges("task.removeTag", { ...invalidTaskId, ...invalidTagId }),
  ...invalidExchanges("tag.create", invalidTagFields),
  ...invalidExchanges("tag.update", { ...invalidTagId, ...invalidTagFields }),
  ...invalidExchanges("tag.delete", invalidTagId),
  exchange("task.list", "NOT_FOUND", {
    modify: (request) => ({ ...request, path: "/api/v1/nope" }),
  }),
];

const withHeader = (name: string, value: string): Partial<Exchange> => ({
  modify: (request) => ({ ...request, headers: { ...request.headers, [name]: value } }),
});

/** The exchanges that an operation's meta and method imply. */
const commonExchanges = ({ name, meta, rest }: Operation): Exchange[] => [
  exchange(name, rest.status),
  ...(meta.auth === "access"
    ? [
        exchange(name, "MISSING_TOKEN", { options: () => ({}) }),
        exchange(name, "TOKEN_EXPIRED", { options: ({ expired }) => expired }),
        exchange(name, "INVALID_TOKEN", { options: () => ({ token: "a.b.c" }) }),
        exchange(name, "INVALID_TOKEN_TYPE", { options: ({ cookie }) => ({ token: cookie }) }),
      ]
    : []),
  ...(meta.sameOrigin === true
    ? [exchange(name, "FORBIDDEN_ORIGIN", withHeader("origin", "https://evil.example"))]
    : []),
  exchangeWithoutSetup(name, "RATE_LIMIT_EXCEEDED", {
    serverState: meta.limit === undefined ? "limited" : "strict",
    times: 2,
  }),
  ...(rest.body === undefined
    ? []
    : [exchange(name, "UNSUPPORTED_MEDIA_TYPE", withHeader("content-type", "text/plain"))]),
  ...(rest.method === "GET"
    ? []
    : [
        exchange(name, "PAYLOAD_TOO_LARGE", {
          modify: (request) => ({ ...request, body: "x".repeat(70_000) }),
        }),
      ]),
  exchange(name, "METHOD_NOT_ALLOWED", {
    modify: (request) => ({ ...request, method: "TRACE", body: undefined }),
  }),
  exchangeWithoutSetup(name, "INTERNAL_ERROR", { serverState: "broken" }),
  exchangeWithoutSetup(name, "SERVICE_UNAVAILABLE", { serverState: "unavailable" }),
];

/** Every exchange: together they produce every response that the contract documents. */
export const exchanges: readonly Exchange[] = [
  ...operationsOf(appRouter).flatMap(commonExchanges),
  ...operationSpecificExchanges,
];
