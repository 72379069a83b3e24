import type { FastifyInstance, FastifyRequest } from "fastify";

/** A call that has ended. */
interface EndedCall {
  /** Undefined if no procedure has the name that the client sent. */
  procedure?: string | undefined;
  /** The code of its error, if it failed. */
  code?: string;
  /** Milliseconds. */
  ms: number;
}

/** What the parts of the server collect about a request, for its log line. */
export interface RequestRecord {
  transport?: "rest" | "rpc";
  /** The procedures that the request names. Texts that name none are not among them. */
  procedures: readonly string[];
  /** In the order in which they ended. */
  calls: EndedCall[];
  /** The code of an error that occurred outside of a call. */
  code?: string;
  /** The user whom a call has identified. */
  userId?: string;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Only for `recordOf`. Not in a WeakMap, whose values outlive their requests until a full garbage collection. */
    record: RequestRecord | undefined;
  }
}

/** Gives all requests the field of their record. */
export const addRecords = (app: FastifyInstance): void => {
  app.decorateRequest("record");
};

/** Returns the record of a request: an empty one the first time. */
export const recordOf = (request: FastifyRequest): RequestRecord =>
  (request.record ??= { procedures: [], calls: [] });

/** Returns the milliseconds since a time of `performance.now()`, to a tenth. */
export const millisecondsSince = (start: number): number =>
  Math.round((performance.now() - start) * 10) / 10;
