import type { FastifyRequest } from "fastify";
import { coerceAll } from "./coerce.ts";
import type { Operation } from "./operations.ts";

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Turns a query of parameters like page[]=1 into lists under their plain names.
 * Validation then rejects the list as a wrong type; an unknown name would be ignored.
 */
const withoutBrackets = (query: unknown): Record<string, unknown> => {
  const values: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(isRecord(query) ? query : {})) {
    const bracket = name.indexOf("[");
    if (bracket === -1) values[name] = value;
    else values[name.slice(0, bracket)] = [value];
  }
  return values;
};

/**
 * Returns the procedure's input: path, query and body merged into one flat object under the procedure's field names.
 * A path parameter overrides a body field of the same name, because the path identifies the resource.
 * A body that is no object is returned as it is, for the schema to reject.
 */
export const inputOf = ({ rest, fields, inputs }: Operation, request: FastifyRequest): unknown => {
  if (inputs.length === 0) return undefined;
  const path = isRecord(request.params) ? request.params : {};
  const { body } = request;
  let values: Record<string, unknown>;
  if (rest.body === undefined)
    values = coerceAll(fields, { ...withoutBrackets(request.query), ...path });
  else if (!isRecord(body)) return body ?? null;
  else
    values = {
      ...(rest.body === "form" ? coerceAll(fields, body) : body),
      ...coerceAll(fields, path),
    };
  for (const [name, wireName] of Object.entries(rest.fieldNames)) {
    values[name] = values[wireName];
    delete values[wireName];
  }
  return values;
};
