export { errors, type ErrorBody, type ErrorCode } from "@taskwire/shared/errors";
// All of them, so that a new procedure's types need no line here.
export type * from "./api.generated.ts";
export type { AppRouter, ErrorData } from "./api.ts";
export { type ClientOptions, createClient } from "./client.ts";
export { isApiError, type ApiError } from "./errors.ts";

import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { AppRouter } from "./api.ts";

/** The input of each procedure, such as `RouterInputs["task"]["create"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;

/** The output of each procedure, such as `RouterOutputs["task"]["list"]`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;
