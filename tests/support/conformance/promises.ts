import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, parseDocument } from "yaml";
import { operationsIn, contract } from "./contract.ts";

/** One thing that rest-v1.yaml says an operation can answer. */
interface Promised {
  /** Method and path, such as "GET /api/v1/tasks". */
  operation: string;
  status: number;
  /** The codes that a comment beside the status lists. */
  codes: readonly string[];
}

const document = parseDocument(
  readFileSync(join(import.meta.dirname, "../../contract/rest-v1.yaml"), "utf8"),
);

/** A comment belongs to the value before it, which only the document's own nodes know. */
const commentOn = (path: string, method: string, status: string): string => {
  const responses = document.getIn(["paths", path, method, "responses"], true);
  const node = isMap(responses) ? responses.get(status, true) : undefined;
  return (isScalar(node) || isMap(node) ? node.comment : undefined) ?? "";
};

/** Every status of every operation, with the codes that are named for it. */
export const promised: readonly Promised[] = operationsIn(contract).flatMap(
  ({ method, path, responses }) =>
    Object.keys(responses).map((status) => ({
      operation: `${method} ${path}`,
      status: Number(status),
      codes: commentOn(path, method.toLowerCase(), status).match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [],
    })),
);
