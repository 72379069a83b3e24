export { errors, type ErrorBody, type ErrorCode } from "@taskwire/shared";
export type { AppRouter, ErrorData } from "./api.ts";
export { type ClientOptions, createClient } from "./client.ts";
export { isApiError, type ApiError } from "./errors.ts";

import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { AppRouter } from "./api.ts";

/** What each procedure takes, such as `RouterInputs["task"]["create"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;

/** What each procedure gives, such as `RouterOutputs["task"]["list"]`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;
