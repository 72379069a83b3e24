export { errors, type ErrorBody, type ErrorCode } from "@taskwire/shared/errors";
export type * from "./api.generated.ts";
export type { AppRouter, ErrorData } from "./api.ts";
export { type Client, createClient } from "./client.ts";
export {
  type ApiError,
  isApiError,
  isNetworkError,
  retryDelay,
  SessionError,
  shouldRetry,
} from "./errors.ts";
export { createSession, type ClientSession, type SessionOptions } from "./session.ts";
export { sessionHeaders } from "./session-link.ts";
export type { SessionSnapshot } from "./sign-in.ts";
export type { TabPlatform } from "./tabs.ts";

import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { AppRouter } from "./api.ts";

/** The input of each procedure, such as `RouterInputs["task"]["create"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;

/** The output of each procedure, such as `RouterOutputs["task"]["list"]`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;
