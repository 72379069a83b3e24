import { type FastifyReply, type FastifyRequest, LogController } from "fastify";
import { loggedAddress } from "./events.ts";
import { millisecondsSince, recordOf, type RequestRecord } from "./request-record.ts";

/** Characters of a path, and of one of its segments. A longer segment may be a token that a client put there by mistake. */
const [maxPath, maxSegment] = [200, 32];

/** Returns the path of a request that no route serves, as short printable ASCII without its query. */
const unknownPath = (url: string): string => {
  const [path = ""] = url.split("?", 1);
  return path
    .slice(0, 4 * maxPath)
    .split("/")
    .map((segment) =>
      segment.length > maxSegment ? "…" : segment.replaceAll(/[^\x21-\x7e]/g, "?"),
    )
    .join("/")
    .slice(0, maxPath);
};

/** Returns the fields of the calls: flat for one call, and a list for a batch. */
const callFields = ({ procedures, calls, code }: RequestRecord) => {
  // Without an end: the request was rejected as a whole, or its client has disconnected.
  const unfinished =
    calls.length < procedures.length
      ? procedures.filter((name) => !calls.some(({ procedure }) => procedure === name))
      : [];
  const [ended] = calls;
  if (calls.length + unfinished.length > 1)
    return { calls: [...calls, ...unfinished.map((procedure) => ({ procedure }))], code };
  return { procedure: ended?.procedure ?? unfinished[0], code: code ?? ended?.code };
};

/**
 * Writes one line for each request, without any text that the client wrote, except for a path that is not known. Not
 * Fastify's own hook for it, which does not run when the client disconnects, or for a URL that is not valid.
 */
export class RequestLog extends LogController {
  readonly #isOn: boolean;

  /** @param isOn whether the log's level writes such lines */
  constructor(isOn: boolean) {
    super({ requestIdLogLabel: "request_id" });
    this.#isOn = isOn;
  }

  override incomingRequest(request: FastifyRequest, reply: FastifyReply): void {
    if (!this.#isOn) return;
    const start = performance.now();
    const { raw } = reply;
    // The socket of a client that has disconnected has no address.
    const { ip } = request;
    // It follows "finish", which is not emitted when the client disconnects.
    raw.once("close", () => {
      const record = recordOf(request);
      const { url: route } = request.routeOptions;
      const line = {
        transport: record.transport,
        method: request.method,
        route,
        path: route === undefined ? unknownPath(request.url) : undefined,
        ...callFields(record),
        status: raw.headersSent ? raw.statusCode : undefined,
        ms: millisecondsSince(start),
        user_id: record.userId,
        address: loggedAddress(ip),
      };
      const message = raw.writableFinished ? "Request completed" : "Response interrupted";
      // Probes come every few seconds, and would bury everything else.
      if (route?.startsWith("/health")) request.log.debug(line, message);
      else request.log.info(line, message);
    });
  }

  override requestCompleted(): void {}

  override streamError(error: Error, request: FastifyRequest): void {
    // A client that disconnects is no error of the server.
    if ("code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    request.log.error({ err: error }, "Response failed");
  }
}
