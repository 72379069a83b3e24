import { METHODS } from "node:http";
import type { ErrorBody } from "@taskwire/shared";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { recordOf } from "../log/request-record.ts";

interface Violation {
  /** More exact than the status of the code. */
  status: number;
  body: ErrorBody;
}

const violation = (status: number, detail: string): Violation => ({
  status,
  body: { code: "VALIDATION_ERROR", detail },
});

/** Returns how a request breaks the rules of HTTP that Node's parser does not check; undefined if it does not. */
const violationOf = ({ raw }: FastifyRequest): Violation | undefined => {
  const { rawHeaders, headers, httpVersion } = raw;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.toLowerCase() === "host") hosts++;
  // RFC 9112 §3.2: `headers` has only the first of several.
  if (hosts > 1 || (hosts === 0 && httpVersion === "1.1"))
    return violation(400, "The request must have one Host header");
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue")
    return violation(417, "The Expect header is not supported");
  return undefined;
};

/**
 * Answers requests that Node would answer itself, without a body, or that Fastify does not know. Needs Node's
 * `requireHostHeader: false`.
 */
export const checkRequests = (app: FastifyInstance): void => {
  app.server.on("checkExpectation", (request, response) => {
    app.server.emit("request", request, response);
  });
  app.addHook("onRequest", (request, reply, done) => {
    const found = violationOf(request);
    if (found === undefined) {
      done();
      return;
    }
    recordOf(request).code = found.body.code;
    void reply.code(found.status).header("Connection", "close").send(found.body);
  });
  // So that they get 405 with the path's own `Allow`, as all other methods do.
  for (const method of METHODS)
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
};
