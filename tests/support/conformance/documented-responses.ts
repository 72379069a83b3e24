import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, parseDocument } from "yaml";
import { operationsIn, contract } from "./contract.ts";

/** One status that rest-v1.yaml documents for an operation. */
interface DocumentedResponse {
  /** Method and path, such as "GET /api/v1/tasks". */
  operation: string;
  status: number;
  /** The error codes in the comment behind the status. */
  codes: readonly string[];
}

const document = parseDocument(
  readFileSync(join(import.meta.dirname, "../../contract/rest-v1.yaml"), "utf8"),
);

/** Returns the YAML comment behind a status. The parser attaches a comment to the node before it. */
const commentOn = (path: string, method: string, status: string): string => {
  const responses = document.getIn(["paths", path, method, "responses"], true);
  const node = isMap(responses) ? responses.get(status, true) : undefined;
  return (isScalar(node) || isMap(node) ? node.comment : undefined) ?? "";
};

/** Every documented status of every operation, with its error codes. */
export const documentedResponses: readonly DocumentedResponse[] = operationsIn(contract).flatMap(
  ({ method, path, responses }) =>
    Object.keys(responses).map((status) => ({
      operation: `${method} ${path}`,
      status: Number(status),
      codes: commentOn(path, method.toLowerCase(), status).match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [],
    })),
);
