import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import type { z } from "zod";
import type { HashKind } from "../security/hash-slots.ts";
import type { Limited } from "../security/rate-limits.ts";
import type { ErrorCode } from "@taskwire/shared";

/** How a procedure is called over REST. rest/operations.ts derives the rest from this and from the schemas. */
export interface RestMeta {
  /** Method and path below /api/v1, with {name} for a path parameter. */
  route: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;
  operationId: string;
  /** A few words for the OpenAPI document. */
  summary: string;
  /** One or two sentences for the OpenAPI document: what the summary leaves out. */
  description: string;
  /** The successful statuses, each with its meaning. Where both are listed, 200 means that the call changed nothing. */
  responses: Partial<Record<200 | 201 | 204, string>>;
  /** Set if the body is a form instead of JSON. */
  form?: true;
  /** Input fields with another name in REST: the schema's name to REST's. */
  fieldNames?: Readonly<Record<string, string>>;
  /** Input fields that exist in tRPC only. */
  hidden?: readonly string[];
  /** The part of the output that REST returns, if tRPC returns more. */
  output?: z.ZodObject;
  /** Response headers that the OpenAPI document lists. */
  headers?: readonly string[];
}

/** What a procedure declares. tRPC merges it shallowly, so each base procedure adds its own key. */
export interface Meta {
  rest?: RestMeta;
  /** The token that the caller must send. */
  auth?: "access" | "refresh";
  /**
   * Its own rate limit, beside those of all calls. Its base procedure counts the calls; those of a refresh are counted by
   * services/auth/rotation.ts.
   */
  limit?: Limited;
  /** What it hashes a password for, if it does: a transport rejects it early while the queue has no slot of this kind. */
  hashes?: HashKind;
  /** Whether a page of a foreign origin is rejected. */
  sameOrigin?: boolean;
  /** Codes that its service raises, in addition to those that follow from its base procedure and schemas. */
  throws?: readonly ErrorCode[];
}

/** Returns what a procedure declares; an empty object if it declares nothing. */
export const metaOf = (procedure: AnyTRPCProcedure): Meta =>
  // Every procedure comes from the builders of trpc.ts, whose meta has this type.
  (procedure._def.meta as Meta | undefined) ?? {};

/** Returns every procedure of a router with its path, such as "auth.login". */
export const proceduresOf = (router: AnyTRPCRouter): [name: string, AnyTRPCProcedure][] =>
  // For a router of unknown type tRPC types this map, which contains procedures only, as unknown.
  Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>);
