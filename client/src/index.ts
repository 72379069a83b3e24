import type { AppRouter } from "@taskwire/server/rpc/router.ts";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";

export { errors, type ErrorBody, type ErrorCode } from "@taskwire/shared";
export type { AppRouter };

/** What each procedure takes, such as `RouterInputs["auth"]["register"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;

/** What each procedure gives, such as `RouterOutputs["auth"]["me"]`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;
