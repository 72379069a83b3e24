import { AppError } from "@taskwire/shared";
import type { Concern } from "./chain.ts";

/** Rejects a call from a page of a foreign origin with FORBIDDEN_ORIGIN (CONTRACT.md, "Errors"). */
export const origin: Concern = async ({ call }, next) => {
  if (call.foreignOrigin) throw new AppError("FORBIDDEN_ORIGIN");
  return next();
};
