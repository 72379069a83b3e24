import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { withTimeout } from "../timeout.ts";

/** Milliseconds for the last spans to reach the collector when the server stops. */
const maxFlushing = 2000;

/** A request whose span has begun. */
export interface TracedRequest {
  /** Runs the function so that new spans and log lines belong to the request. */
  run: (work: () => void) => void;
  end: (result: { route: string | undefined; status: number; isAborted: boolean }) => void;
}

/** Spans of requests, calls and statements. It exists only with OTEL_EXPORTER_OTLP_ENDPOINT. */
export interface Tracing {
  beginRequest: (
    request: { method: string; path: string },
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ) => TracedRequest;
  /** Runs a call in a span. @param codeOf returns the code of an error */
  traceCall: <Result>(
    call: { procedure: string; transport: string },
    run: () => Promise<Result>,
    codeOf: (error: unknown) => string,
  ) => Promise<Result>;
  /** Begins the span of a statement, if it belongs to a call. Returns what ends it. */
  beginStatement: (text: string) => ((error?: unknown) => void) | undefined;
  /** Returns what a log line needs to be found from its trace; nothing outside of a trace. */
  logFields: () => { trace_id?: string; span_id?: string };
  /** Sends the spans that wait, for 2 s at most. */
  close: () => Promise<void>;
}

const endSpan = (span: Span, attributes: Attributes, error: string | undefined): void => {
  span.setAttributes(attributes);
  if (error !== undefined)
    span.setAttribute("error.type", error).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
};

/** Codes of calls that are the server's fault. The others are answers, as statuses below 500 are. */
const serverFaults = new Set(["INTERNAL_ERROR", "SERVICE_UNAVAILABLE"]);

/**
 * Starts to send spans to a collector. The spans are made by hand: `@fastify/otel` makes one for each hook too, and
 * OpenTelemetry's instrumentation of pg replaces modules while they load, which with ESM needs a loader.
 * @param endpoint the collector's URL, without /v1/traces. OpenTelemetry's other variables are read by its library
 */
export const startTracing = (endpoint: string): Tracing => {
  const url = `${endpoint.endsWith("/") ? endpoint.slice(0, -1) : endpoint}/v1/traces`;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "taskwire" }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  });
  const tracer = provider.getTracer("taskwire");
  const propagator = new W3CTraceContextPropagator();
  const contexts = new AsyncLocalStorage<Context>();

  return {
    beginRequest: ({ method, path }, headers) => {
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const attributes = { "http.request.method": method, "url.path": path };
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
      const context = trace.setSpan(parent, span);
      return {
        run: (work) => contexts.run(context, work),
        end: ({ route, status, isAborted }) => {
          if (route !== undefined) span.updateName(`${method} ${route}`);
          const error = isAborted ? "aborted" : status >= 500 ? String(status) : undefined;
          endSpan(span, { "http.route": route, "http.response.status_code": status }, error);
        },
      };
    },
    traceCall: async ({ procedure, transport }, run, codeOf) => {
      const parent = contexts.getStore() ?? ROOT_CONTEXT;
      const attributes = { "rpc.system.name": transport, "rpc.method": procedure };
      const span = tracer.startSpan(procedure, { attributes }, parent);
      let code = "OK";
      try {
        return await contexts.run(trace.setSpan(parent, span), run);
      } catch (error) {
        code = codeOf(error);
        throw error;
      } finally {
        endSpan(
          span,
          { "rpc.response.status_code": code },
          serverFaults.has(code) ? code : undefined,
        );
      }
    },
    beginStatement: (text) => {
      const parent = contexts.getStore();
      if (parent === undefined) return undefined;
      const [operation = ""] = text.trimStart().split(/\s/, 1);
      // The values are parameters, so the text has none of them.
      const attributes = { "db.system.name": "postgresql", "db.query.text": text };
      const options = { kind: SpanKind.CLIENT, attributes };
      const span = tracer.startSpan(operation.toUpperCase(), options, parent);
      return (error) => {
        const isFailure = error !== undefined;
        const code = isFailure && error instanceof Error && "code" in error ? error.code : "_OTHER";
        endSpan(span, {}, isFailure ? String(code) : undefined);
      };
    },
    logFields: () => {
      const context = contexts.getStore();
      const span = context === undefined ? undefined : trace.getSpanContext(context);
      return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
    },
    close: async () => {
      await withTimeout(maxFlushing, () => provider.shutdown().catch(() => undefined));
    },
  };
};
