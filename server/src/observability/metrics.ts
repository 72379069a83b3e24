import { Counter, Gauge, Histogram, Registry } from "@platformatic/prom-client";
import type { StatementObserver } from "../db/observe-pool.ts";
import { instruments, type NamesOf } from "./instruments.ts";
import { createSeries, other, type Series } from "./series.ts";

/** Seconds. Five of the convention's fourteen buckets, which would be three times as many series. */
const buckets = [0.005, 0.025, 0.1, 0.5, 2.5];

/** Label sets, of 8 series each. Those of errors have a bound of their own, so that they cannot displace the others. */
const maxSets = {
  requests: { ok: 60, error: 25 },
  calls: { ok: 50, error: 24 },
  statements: { ok: 10, error: 5 },
};

/** The methods that the convention lists. */
const methods = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "CONNECT",
]);

/** The first words of the statements that the server sends. */
const operations = new Set([
  "SELECT",
  "INSERT",
  "UPDATE",
  "DELETE",
  "WITH",
  "BEGIN",
  "COMMIT",
  "ROLLBACK",
]);

/** A complete HTTP request. */
interface RequestResult {
  method: string;
  /** The template of the path; undefined for an unknown path. */
  route: string | undefined;
  status: number;
  /** Whether the connection closed before the response was sent. */
  isAborted: boolean;
  seconds: number;
}

/** A complete call of a procedure. */
interface CallResult {
  procedure: string;
  transport: string;
  /** OK, or the code of the error. */
  code: string;
  seconds: number;
}

/** What the server measures. It exists only with METRICS_PORT. */
export interface Metrics {
  beginRequest: (method: string) => void;
  endRequest: (result: RequestResult) => void;
  recordCall: (result: CallResult) => void;
  statements: StatementObserver;
  countReuse: () => void;
  countLimitTrip: (limit: string) => void;
  /** Runs the function before each scrape, to set gauges. */
  beforeScrape: (update: (gauges: Gauges, counters: Counters) => void | Promise<void>) => void;
  /** Returns all values in Prometheus' text format. */
  scrape: () => Promise<{ contentType: string; text: string }>;
}

type Gauges = Record<NamesOf<"gauge">, Gauge<string>>;
type Counters = Record<NamesOf<"counter">, Counter<string>>;

/** Returns the first word of a statement, if it is one of those that are expected. */
const operationOf = (text: string): string => {
  const word = /^\s*(\w{1,10})\b/.exec(text)?.[1]?.toUpperCase() ?? "";
  return operations.has(word) ? word : other;
};

/** Returns the SQLSTATE of a database error or the code of a connection's. */
const errorTypeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : other;

const createInstruments = (registry: Registry) => {
  const histograms: Partial<Record<string, Histogram<string>>> = {};
  const gauges: Partial<Record<string, Gauge<string>>> = {};
  const counters: Partial<Record<string, Counter<string>>> = {};
  for (const [name, { type, help, labels }] of Object.entries(instruments)) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "histogram") histograms[name] = new Histogram({ ...options, buckets });
    else if (type === "gauge") gauges[name] = new Gauge(options);
    else counters[name] = new Counter(options);
  }
  // Safe: the loop has created every row of the table under its type.
  return { histograms, gauges, counters } as {
    histograms: Record<NamesOf<"histogram">, Histogram<string>>;
    gauges: Gauges;
    counters: Counters;
  };
};

/** Creates the metrics. A gauge without a value, such as that of Redis without REDIS_URL, is not in the output. */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const { histograms, gauges, counters } = createInstruments(registry);
  for (const name of ["taskwire_redis_up", "taskwire_pending_migrations"] as const)
    gauges[name].remove();
  const seriesOf = (
    histogram: Histogram<string>,
    { ok, error }: { ok: number; error: number },
  ): { ok: Series; error: Series } => {
    const create = (labels: readonly string[]) => {
      const child = histogram.labels(...labels);
      return (seconds: number) => child.observe(seconds);
    };
    return { ok: createSeries(create, ok), error: createSeries(create, error) };
  };
  const requests = seriesOf(histograms.http_server_request_duration_seconds, maxSets.requests);
  const calls = seriesOf(histograms.rpc_server_call_duration_seconds, maxSets.calls);
  const statements = seriesOf(histograms.db_client_operation_duration_seconds, maxSets.statements);
  const waitTime = histograms.db_client_connections_wait_time_seconds;
  // The library would search by labels for each request.
  const active = new Map(
    [...methods, other].map((method) => [
      method,
      gauges.http_server_active_requests.labels(method),
    ]),
  );
  const updates: (() => void | Promise<void>)[] = [];
  const knownMethod = (method: string): string => (methods.has(method) ? method : other);

  return {
    beginRequest: (method) => active.get(knownMethod(method))?.inc(),
    endRequest: ({ method, route = other, status, isAborted, seconds }) => {
      const known = knownMethod(method);
      active.get(known)?.dec();
      const code = String(status);
      // The convention: only what is the server's fault is an error.
      const error = isAborted ? "aborted" : status >= 500 ? code : "";
      const series = isAborted || status >= 400 ? requests.error : requests.ok;
      series([known, route, code, error], [other, other, isAborted ? other : code, error])(seconds);
    },
    recordCall: ({ procedure, transport, code, seconds }) => {
      const series = code === "OK" ? calls.ok : calls.error;
      series([transport, procedure, code], [other, other, code])(seconds);
      if (procedure === "auth.login")
        counters.taskwire_sign_in_attempts_total.inc({ result: code });
    },
    statements: {
      acquired: (seconds) => waitTime.observe(seconds),
      sent: (text) => {
        const startedAt = performance.now();
        return (error) => {
          const operation = operationOf(text);
          const type = error === undefined ? "" : errorTypeOf(error);
          const series = error === undefined ? statements.ok : statements.error;
          series(
            [operation, type],
            [other, type === "" ? "" : other],
          )((performance.now() - startedAt) / 1000);
        };
      },
    },
    countReuse: () => counters.taskwire_refresh_reuse_total.inc(),
    countLimitTrip: (limit) => counters.taskwire_limit_trips_total.inc({ limit }),
    beforeScrape: (update) => void updates.push(() => update(gauges, counters)),
    scrape: async () => {
      for (const update of updates) await update();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
};
