import { Pool } from "pg";
import { closeDeadConnections } from "./dead-connections.ts";

/** Milliseconds to connect, and to wait for a response. */
const maxSilence = 1000;

/** Runs a statement that shows whether the database works. */
export type Probe = (statement: string) => Promise<Record<string, unknown>[]>;

/**
 * Creates a probe with one PostgreSQL connection of its own, so that it gets a response while all calls wait for the pool.
 * It connects when it is needed, and again after any error; without use, the connection closes after 10 s.
 * @param url postgresql://user:password@host:port/database
 * @param sendTimeouts false if a connection pooler rejects them
 */
export const createProbe = (
  url: string,
  sendTimeouts = true,
): { probe: Probe; close: () => Promise<void> } => {
  const pool = new Pool({
    connectionString: url,
    application_name: "taskwire",
    max: 1,
    connectionTimeoutMillis: maxSilence,
    ...(sendTimeouts ? { statement_timeout: maxSilence } : {}),
  });
  closeDeadConnections(pool, maxSilence);
  // An idle connection broke: the pool removes it. Without a listener, the process would stop.
  pool.on("error", () => {});
  return {
    probe: async (statement) => (await pool.query<Record<string, unknown>>(statement)).rows,
    close: () => pool.end(),
  };
};
