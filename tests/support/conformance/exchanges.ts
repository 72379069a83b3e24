import { randomUUID } from "node:crypto";
import { type ErrorCode, errorCodes } from "@taskwire/shared";
import { type Operation, operationsOf } from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import type { CallOptions } from "../client/transports.ts";
import type { HttpRequest } from "../client/http.ts";
import { credentials, type Place, type World } from "./worlds.ts";

/** A real request that an operation answers with a status, and with a code where it refuses. */
export interface Exchange {
  procedure: string;
  answers: number | ErrorCode;
  place: Place;
  /** Sent as often, and the last answer counts. */
  times: number;
  input: (world: World) => unknown;
  options: (world: World) => CallOptions;
  spoil: (request: HttpRequest) => HttpRequest;
}

type Input = Exchange["input"];

const ids: Input = ({ task_id, tag_id }) => ({ task_id, tag_id });
const unlinked: Input = ({ task_id, other }) => ({ task_id, tag_id: other.tag_id });
const newTask = { title: "A", completed: true, priority: "high" };
const account: Input = () => ({ email: `${randomUUID()}@example.com`, password: "correct horse" });

const changing = ({ password }: World) => ({
  current_password: password,
  new_password: "new horse",
});
const confirming = ({ password }: World) => ({ password });

/** The input of somebody who knows their password. */
const knowing =
  (input: Input): Input =>
  async (world) => {
    await world.setPassword();
    return input(world);
  };

/** An input that each procedure takes. */
const good: Record<string, Input> = {
  "auth.register": account,
  "auth.login": credentials,
  "auth.refresh": () => undefined,
  "auth.logout": () => undefined,
  "auth.me": () => undefined,
  "auth.listSessions": () => undefined,
  "auth.revokeSession": ({ sid }) => ({ session_id: sid }),
  "auth.revokeOtherSessions": () => undefined,
  "auth.changePassword": knowing(changing),
  "auth.deleteAccount": knowing(confirming),
  "task.create": () => newTask,
  "task.list": () => ({ page: 1, limit: 10, status: "all", sort: "-due_date" }),
  "task.get": ({ task_id }) => ({ task_id }),
  "task.update": ({ task_id }) => ({ task_id, ...newTask }),
  "task.patch": ({ task_id }) => ({ task_id, title: "B" }),
  "task.delete": ({ task_id }) => ({ task_id }),
  "task.addTag": unlinked,
  "task.removeTag": ids,
  "tag.create": () => ({ name: "New" }),
  "tag.list": () => undefined,
  "tag.update": ({ tag_id }) => ({ tag_id, name: "Renamed" }),
  "tag.delete": ({ tag_id }) => ({ tag_id }),
};

/** The same where nobody can be signed up first. */
const goodApart: typeof good = {
  ...good,
  "auth.login": account,
  "auth.changePassword": changing,
  "auth.deleteAccount": confirming,
};

const signedIn: Exchange["options"] = ({ token, cookie }) => ({ token, cookie });

const exchange = (
  procedure: string,
  answers: Exchange["answers"],
  more: Partial<Exchange> = {},
): Exchange => ({
  procedure,
  answers,
  place: "healthy",
  times: 1,
  input: good[procedure] ?? (() => undefined),
  options: signedIn,
  spoil: (request) => request,
  ...more,
});

const apart = (procedure: string, code: ErrorCode, more: Partial<Exchange>): Exchange =>
  exchange(procedure, code, { input: goodApart[procedure] ?? (() => undefined), ...more });

/** The good input with some fields changed, and what that is answered. */
const changed = (
  procedure: string,
  faults: Partial<Record<ErrorCode, Record<string, unknown> | ((world: World) => object)>>,
): Exchange[] =>
  errorCodes.flatMap((code) => {
    const fault = faults[code];
    if (fault === undefined) return [];
    const input: Input = async (world) => {
      const base: unknown = await good[procedure]?.(world);
      return { ...Object(base), ...(typeof fault === "function" ? fault(world) : fault) };
    };
    return [exchange(procedure, code, { input })];
  });

const absent = 2_147_483_647;

const taskFaults = {
  INVALID_TITLE: { title: " " },
  DESCRIPTION_TOO_LONG: { description: "x".repeat(1001) },
  INVALID_PRIORITY: { priority: "urgent" },
  INVALID_DUE_DATE: { due_date: "tomorrow" },
  INVALID_RECURRENCE_RULE: { recurrence_rule: "daily" },
  VALIDATION_ERROR: { completed: "yes" },
};
const noTask = { TASK_NOT_FOUND: { task_id: absent }, VALIDATION_ERROR: { task_id: "first" } };
const noTag = { TAG_NOT_FOUND: { tag_id: absent }, VALIDATION_ERROR: { tag_id: "first" } };
const tagFaults = {
  INVALID_TAG_NAME: { name: "" },
  INVALID_COLOR: { color: "red" },
  TAG_ALREADY_EXISTS: ({ other }: World) => ({ name: other.name }),
  VALIDATION_ERROR: { name: 5 },
};

const special: readonly Exchange[] = [
  ...changed("auth.register", {
    EMAIL_ALREADY_EXISTS: ({ email }) => ({ email }),
    PASSWORD_TOO_SHORT: { password: "1234567" },
    INVALID_EMAIL: { email: "nobody" },
    VALIDATION_ERROR: { password: 5 },
  }),
  ...changed("auth.login", {
    INVALID_CREDENTIALS: { password: "wrong horse" },
    VALIDATION_ERROR: { password: "a\0" },
  }),
  exchange("auth.refresh", "MISSING_REFRESH_TOKEN", { options: () => ({}) }),
  exchange("auth.refresh", "REFRESH_TOKEN_EXPIRED", { options: ({ expired }) => expired }),
  exchange("auth.refresh", "INVALID_TOKEN", { options: () => ({ cookie: "a.b.c" }) }),
  exchange("auth.refresh", "INVALID_TOKEN_TYPE", { options: ({ token }) => ({ cookie: token }) }),
  ...changed("auth.revokeSession", { VALIDATION_ERROR: { session_id: "first" } }),
  ...changed("auth.changePassword", {
    INVALID_CREDENTIALS: { current_password: "wrong horse" },
    PASSWORD_TOO_SHORT: { new_password: "1234567" },
    VALIDATION_ERROR: { new_password: 5 },
  }),
  ...changed("auth.deleteAccount", {
    INVALID_CREDENTIALS: { password: "wrong horse" },
    VALIDATION_ERROR: { password: 5 },
  }),
  // Four times the limit of sign-ins.
  ...["auth.changePassword", "auth.deleteAccount"].map((name) =>
    apart(name, "RATE_LIMIT_EXCEEDED", { place: "strict", times: 5 }),
  ),
  ...changed("task.create", taskFaults),
  ...changed("task.list", {
    INVALID_PAGINATION: { page: 0 },
    INVALID_STATUS: { status: "done" },
    INVALID_PRIORITY: { priority: "urgent" },
    INVALID_SORT_FIELD: { sort: "id" },
    VALIDATION_ERROR: { q: "a\0" },
  }),
  ...changed("task.get", noTask),
  ...changed("task.update", { ...noTask, ...taskFaults }),
  ...changed("task.patch", { ...noTask, ...taskFaults }),
  ...changed("task.delete", noTask),
  exchange("task.addTag", 200, { input: ids }),
  ...changed("task.addTag", { ...noTask, ...noTag }),
  ...changed("task.removeTag", { ...noTask, ...noTag }),
  ...changed("tag.create", tagFaults),
  ...changed("tag.update", { ...noTag, ...tagFaults }),
  ...changed("tag.delete", noTag),
  exchange("task.list", "NOT_FOUND", {
    spoil: (request) => ({ ...request, path: "/api/v1/nope" }),
  }),
];

const header = (name: string, value: string): Partial<Exchange> => ({
  spoil: (request) => ({ ...request, headers: { ...request.headers, [name]: value } }),
});

/** What every operation of a kind answers. */
const usual = ({ name, meta, rest }: Operation): Exchange[] => [
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
    ? [exchange(name, "FORBIDDEN_ORIGIN", header("origin", "https://evil.example"))]
    : []),
  ...(meta.limit === undefined
    ? []
    : [apart(name, "RATE_LIMIT_EXCEEDED", { place: "strict", times: 2 })]),
  ...(rest.body === undefined
    ? []
    : [exchange(name, "UNSUPPORTED_MEDIA_TYPE", header("content-type", "text/plain"))]),
  ...(rest.method === "GET"
    ? []
    : [
        exchange(name, "PAYLOAD_TOO_LARGE", {
          spoil: (request) => ({ ...request, body: "x".repeat(70_000) }),
        }),
      ]),
  exchange(name, "METHOD_NOT_ALLOWED", {
    spoil: (request) => ({ ...request, method: "TRACE", body: undefined }),
  }),
  apart(name, "INTERNAL_ERROR", { place: "broken" }),
  apart(name, "SERVICE_UNAVAILABLE", { place: "away" }),
];

/** Every exchange that shows what the contract promises. */
export const exchanges: readonly Exchange[] = [
  ...operationsOf(appRouter).flatMap(usual),
  ...special,
];
