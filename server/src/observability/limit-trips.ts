import { AppError } from "@taskwire/shared";
import type { CallLimits } from "../security/call-limits.ts";
import type { RateLimits } from "../security/rate-limits.ts";
import type { Metrics } from "./metrics.ts";

const isTrip = (error: unknown): boolean =>
  error instanceof AppError && error.code === "RATE_LIMIT_EXCEEDED";

/** Returns the same limits, which count each rejection under the limit's name. */
export const countRateLimitTrips = (
  limits: RateLimits,
  { countLimitTrip }: Pick<Metrics, "countLimitTrip">,
): RateLimits => {
  const counted = async <Result>(limit: string, taking: Promise<Result>): Promise<Result> => {
    try {
      return await taking;
    } catch (error) {
      if (isTrip(error)) countLimitTrip(limit);
      throw error;
    }
  };
  return {
    consume: (name, address) => counted(name, limits.consume(name, address)),
    consumePassword: (user, address) => counted("password", limits.consumePassword(user, address)),
    takeRefresh: (session) => counted("session", limits.takeRefresh(session)),
    takePasswordAttempt: (account, address, isKnown) =>
      counted("password_attempts", limits.takePasswordAttempt(account, address, isKnown)),
  };
};

/** The same for the limits of all calls. */
export const countCallLimitTrips = (
  limits: CallLimits,
  { countLimitTrip }: Pick<Metrics, "countLimitTrip">,
): CallLimits => {
  const counted = (limit: string, consume: (key: string) => void) => (key: string) => {
    try {
      consume(key);
    } catch (error) {
      if (isTrip(error)) countLimitTrip(limit);
      throw error;
    }
  };
  return {
    consumeAddress: counted("calls_per_address", limits.consumeAddress),
    consumeUser: counted("calls_per_user", limits.consumeUser),
  };
};
