import { escapeIdentifier, Pool } from "pg";

/** PostgreSQL's settings, in milliseconds; 0 for no limit. */
export interface Timeouts {
  lock_timeout: number;
  statement_timeout: number;
  idle_in_transaction_session_timeout: number;
}

/** The SQLSTATE of a message that breaks the protocol: pgbouncer's for a parameter that it does not know. */
const protocolViolation = "08P01";

const isRejectedParameter = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  error.code === protocolViolation &&
  error.message.includes("startup parameter");

/** Milliseconds to connect. */
const maxConnecting = 2000;

interface Check {
  /** Whether the server, or a pooler before it, accepts the time-outs as parameters of a connection. */
  sendTimeouts: boolean;
  role: string;
  /** The time-outs of the connection. */
  actual: Timeouts;
}

const readTimeouts = async (url: string, sent: Timeouts | undefined): Promise<Check> => {
  const pool = new Pool({
    max: 1,
    connectionString: url,
    application_name: "taskwire",
    connectionTimeoutMillis: maxConnecting,
    // pg's own limit, for a pooler without a free connection.
    query_timeout: maxConnecting,
    ...sent,
  });
  // A connection that breaks later: the query below has failed then.
  pool.on("error", () => {});
  try {
    const { rows } = await pool.query<{ role: string; actual: Timeouts }>(
      `select current_user as role, json_object_agg(name, setting::int) as actual from pg_settings where name in
         ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error("PostgreSQL returned no settings");
    return { sendTimeouts: sent !== undefined, ...row };
  } finally {
    // Without waiting: an unreachable server never confirms.
    void pool.end().catch(() => {});
  }
};

/** Connects once, to find out whether the time-outs can be sent, and which ones are in effect. */
export const checkTimeouts = async (url: string, wanted: Timeouts): Promise<Check> => {
  try {
    return await readTimeouts(url, wanted);
  } catch (error) {
    if (!isRejectedParameter(error)) throw error;
    return readTimeouts(url, undefined);
  }
};

/** Returns the wanted time-outs that are longer, or not set at all. */
export const missingTimeouts = (wanted: Timeouts, actual: Timeouts): [string, number][] =>
  Object.entries({ ...wanted }).filter(([name, limit]) => {
    const value = new Map(Object.entries(actual)).get(name) ?? 0;
    return limit > 0 && (value === 0 || value > limit);
  });

/** Returns the statement that sets a time-out for all connections of a role. */
export const alterRole = (role: string, [name, limit]: [string, number]): string =>
  `alter role ${escapeIdentifier(role)} set ${name} = ${limit}`;
