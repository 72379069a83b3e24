import type { AnyTRPCProcedure } from "@trpc/server";
import type { z } from "zod";
import type { Limited } from "../security/rate-limits.ts";
import type { ErrorCode } from "@taskwire/shared";

/** How REST spells a procedure; the adapter and the OpenAPI document know nothing else of it. */
export interface RestMeta {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below /api/v1, with {name} for a path parameter. */
  path: `/${string}`;
  /** The status of success. */
  status: 200 | 201 | 204;
  /** What the success status means to a reader of the document. */
  success: string;
  /** What the answer means where what was asked for was so already: 200 instead of the status. */
  already?: string;
  /** Input fields that only tRPC has. */
  hidden?: readonly string[];
  /** What REST shows of the output, where tRPC shows more. */
  output?: z.ZodObject;
  /** How the input travels; without it, in path and query only. */
  body?: "json" | "form";
  /** Wire names of input fields that REST calls otherwise. */
  fields?: Readonly<Record<string, string>>;
  /** Names of response headers that the document mentions. */
  headers?: readonly string[];
  operationId: string;
  /** The operation in a few words, for the documentation's reader. */
  summary: string;
  tag: string;
}

/** What a procedure says of itself. tRPC merges it shallowly, so each base procedure adds its own key. */
export interface Meta {
  rest?: RestMeta;
  /** Which token the caller must bring. */
  auth?: "access" | "refresh";
  /** The limit that counts each call. */
  limit?: Limited;
  /** Whether it hashes a password: while too many wait for that, a transport refuses it before it reads the request. */
  hashes?: true;
  /** Whether a page of a foreign origin is refused. */
  sameOrigin?: boolean;
  /** Codes that its service raises, beside those that follow from the rest. */
  throws?: readonly ErrorCode[];
}

/** What a procedure says of itself; nothing, where it says nothing. */
export const metaOf = (procedure: AnyTRPCProcedure): Meta =>
  // Every procedure comes from the builders of trpc.ts, whose meta has this type.
  (procedure._def.meta as Meta | undefined) ?? {};
