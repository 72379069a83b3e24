import type { ErrorCode } from "@taskwire/shared";
import { z } from "zod";
import type { Operation } from "./operations.ts";

/** Returns the codes that the rules of a schema and of its parts name (see `rule` in shared/src/schemas/common.ts). */
const codesIn = (schema: z.core.$ZodType, seen = new Set<z.core.$ZodType>()): ErrorCode[] => {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const { def } = schema._zod;
  const own = (def.checks ?? []).flatMap(({ _zod }) => {
    // A refinement keeps its params in its definition; other checks have none.
    const { params } = _zod.def as { params?: { code?: ErrorCode } };
    return params?.code === undefined ? [] : [params.code];
  });
  const children = [
    ...(schema instanceof z.ZodObject ? Object.values<z.core.$ZodType>(schema.shape) : []),
    ...("innerType" in def && def.innerType instanceof z.ZodType ? [def.innerType] : []),
  ];
  return [...own, ...children.flatMap((child) => codesIn(child, seen))];
};

/** Returns every code that an operation can respond with, derived from its meta and its schemas. */
export const codesOf = ({ meta, inputs, rest }: Operation): ErrorCode[] => {
  const codes: ErrorCode[] = [
    ...(meta.auth === "access"
      ? (["MISSING_TOKEN", "TOKEN_EXPIRED", "INVALID_TOKEN", "INVALID_TOKEN_TYPE"] as const)
      : []),
    ...(meta.auth === "refresh"
      ? ([
          "MISSING_REFRESH_TOKEN",
          "REFRESH_TOKEN_EXPIRED",
          "INVALID_TOKEN",
          "INVALID_TOKEN_TYPE",
        ] as const)
      : []),
    ...(meta.sameOrigin ? (["FORBIDDEN_ORIGIN"] as const) : []),
    ...(inputs.length === 0 ? [] : (["VALIDATION_ERROR"] as const)),
    ...(rest.body === undefined ? [] : (["UNSUPPORTED_MEDIA_TYPE"] as const)),
    ...inputs.flatMap((input) => codesIn(input)),
    ...(meta.throws ?? []),
    ...(rest.method === "GET" ? [] : (["PAYLOAD_TOO_LARGE"] as const)),
    "RATE_LIMIT_EXCEEDED",
    "INTERNAL_ERROR",
    "SERVICE_UNAVAILABLE",
  ];
  return [...new Set(codes)];
};
