import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import type { z } from "zod";
import type { Limited } from "../security/rate-limits.ts";
import type { ErrorCode } from "@taskwire/shared";

/** How REST spells a procedure. The rest follows from it and from the schemas (rest/operations.ts). */
export interface RestMeta {
  /** Method and path below /api/v1, with {name} for a path parameter. */
  route: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;
  operationId: string;
  /** The operation in a few words, for a reader of the documentation. */
  summary: string;
  /** The successful statuses, each with its meaning. 200 beside 201 is for a call that changed nothing. */
  responses: Partial<Record<200 | 201 | 204, string>>;
  /** Whether the body is a form instead of JSON. */
  form?: true;
  /** Input fields that REST calls by another name. */
  fieldNames?: Readonly<Record<string, string>>;
  /** Input fields that only tRPC has. */
  hidden?: readonly string[];
  /** The part of the output that REST shows, where tRPC shows more. */
  output?: z.ZodObject;
  /** Names of response headers that the document mentions. */
  headers?: readonly string[];
}

/** What a procedure declares. tRPC merges it shallowly, so each base procedure adds its own key. */
export interface Meta {
  rest?: RestMeta;
  /** The token that the caller must send. */
  auth?: "access" | "refresh";
  /** The rate limit that counts each call. */
  limit?: Limited;
  /** Whether it hashes a password: a transport rejects it early while too many wait for that. */
  hashes?: true;
  /** Whether a page of a foreign origin is rejected. */
  sameOrigin?: boolean;
  /** Codes that its service raises, beside those that follow from base and schemas. */
  throws?: readonly ErrorCode[];
}

/** What a procedure declares; empty if it declares nothing. */
export const metaOf = (procedure: AnyTRPCProcedure): Meta =>
  // Every procedure comes from the builders of trpc.ts, whose meta has this type.
  (procedure._def.meta as Meta | undefined) ?? {};

/** Every procedure of a router with its path, such as "auth.login". */
export const proceduresOf = (router: AnyTRPCRouter): [name: string, AnyTRPCProcedure][] =>
  // tRPC types the flat map of a router as unknown for routers of unknown shape; it holds procedures only.
  Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>);
