/** One metric. Its name is the convention's with the unit as the suffix, as Prometheus writes it. */
interface Instrument {
  type: "histogram" | "gauge" | "counter";
  /** In UCUM's notation, as OpenTelemetry writes it: seconds, bytes, a ratio, or what is counted. */
  unit: "s" | "By" | "1" | `{${string}}`;
  labels: readonly string[];
  help: string;
}

/**
 * Every metric of the server, by its name. Names and labels follow OpenTelemetry's semantic conventions; `taskwire_` marks
 * what they do not have. A test compares the documentation, the dashboard and the alerts with this table.
 */
export const instruments = {
  http_server_request_duration_seconds: {
    type: "histogram",
    unit: "s",
    labels: ["http_request_method", "http_route", "http_response_status_code", "error_type"],
    help: "Duration of HTTP requests, until the response is sent or the connection closes",
  },
  http_server_active_requests: {
    type: "gauge",
    unit: "{request}",
    labels: ["http_request_method"],
    help: "HTTP requests that have begun and have no complete response",
  },
  rpc_server_call_duration_seconds: {
    type: "histogram",
    unit: "s",
    labels: ["rpc_system_name", "rpc_method", "rpc_response_status_code"],
    help: "Duration of procedure calls; each call of a batch counts",
  },
  db_client_operation_duration_seconds: {
    type: "histogram",
    unit: "s",
    labels: ["db_operation_name", "error_type"],
    help: "Duration of database statements",
  },
  db_client_connections_usage: {
    type: "gauge",
    unit: "{connection}",
    labels: ["state"],
    help: "Open connections of the pool, used or idle",
  },
  db_client_connections_max: {
    type: "gauge",
    unit: "{connection}",
    labels: [],
    help: "Maximum number of connections of the pool",
  },
  db_client_connections_pending_requests: {
    type: "gauge",
    unit: "{request}",
    labels: [],
    help: "Calls that wait for a connection",
  },
  db_client_connections_wait_time_seconds: {
    type: "histogram",
    unit: "s",
    labels: [],
    help: "Time until a call has a connection",
  },
  nodejs_eventloop_delay_p50_seconds: {
    type: "gauge",
    unit: "s",
    labels: [],
    help: "Median delay of the event loop since the last scrape",
  },
  nodejs_eventloop_delay_p99_seconds: {
    type: "gauge",
    unit: "s",
    labels: [],
    help: "99th percentile of the event loop's delay since the last scrape",
  },
  nodejs_eventloop_delay_max_seconds: {
    type: "gauge",
    unit: "s",
    labels: [],
    help: "Maximum delay of the event loop since the last scrape",
  },
  nodejs_eventloop_utilization_ratio: {
    type: "gauge",
    unit: "1",
    labels: [],
    help: "Share of the time since the last scrape in which the event loop was busy",
  },
  v8js_memory_heap_used_bytes: {
    type: "gauge",
    unit: "By",
    labels: ["v8js_heap_space_name"],
    help: "Used heap memory of each space",
  },
  v8js_memory_heap_limit_bytes: {
    type: "gauge",
    unit: "By",
    labels: [],
    help: "Heap memory at which the process stops",
  },
  process_memory_usage_bytes: {
    type: "gauge",
    unit: "By",
    labels: [],
    help: "Physical memory of the process",
  },
  process_cpu_time_seconds_total: {
    type: "counter",
    unit: "s",
    labels: ["cpu_mode"],
    help: "CPU time of the process, in user or system mode",
  },
  process_uptime_seconds: {
    type: "gauge",
    unit: "s",
    labels: [],
    help: "Time since the process started",
  },
  taskwire_sign_in_attempts_total: {
    type: "counter",
    unit: "{attempt}",
    labels: ["result"],
    help: "Sign-in attempts by result: OK or the error code",
  },
  taskwire_refresh_reuse_total: {
    type: "counter",
    unit: "{session}",
    labels: [],
    help: "Sessions revoked because a refresh token was used again",
  },
  taskwire_limit_trips_total: {
    type: "counter",
    unit: "{call}",
    labels: ["limit"],
    help: "Calls rejected by a rate limit",
  },
  taskwire_hash_slots_used: {
    type: "gauge",
    unit: "{call}",
    labels: [],
    help: "Calls that have a slot for hashing a password",
  },
  taskwire_hash_slots_max: {
    type: "gauge",
    unit: "{call}",
    labels: [],
    help: "Number of slots for hashing a password",
  },
  taskwire_hash_queue_length: {
    type: "gauge",
    unit: "{hash}",
    labels: [],
    help: "Hashes that wait for a thread",
  },
  taskwire_redis_up: {
    type: "gauge",
    unit: "1",
    labels: [],
    help: "1 while Redis is available, otherwise 0; absent without REDIS_URL",
  },
  taskwire_revocation_lag_seconds: {
    type: "gauge",
    unit: "s",
    labels: [],
    help: "Time since the last successful poll for sessions that other servers revoked",
  },
  taskwire_pending_migrations: {
    type: "gauge",
    unit: "{migration}",
    labels: [],
    help: "Migrations that are not applied; absent while the database does not respond",
  },
  taskwire_build_info: {
    type: "gauge",
    unit: "1",
    labels: ["version", "node_version"],
    help: "Always 1; the labels have the versions of the server and of Node",
  },
} as const satisfies Record<string, Instrument>;

type Table = typeof instruments;

/** The names of all metrics of a type. */
export type NamesOf<Type extends Instrument["type"]> = {
  [Name in keyof Table]: Table[Name]["type"] extends Type ? Name : never;
}[keyof Table];
