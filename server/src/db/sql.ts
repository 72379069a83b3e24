import { type Expression, type RawBuilder, sql } from "kysely";

/**
 * Returns SQL for a timestamp in the contract's form: UTC with milliseconds and Z. Formatted by the database, so that
 * PostgreSQL and PGlite, a column and a JSON aggregate all return the same text.
 */
export const isoTime = (column: Expression<unknown>): RawBuilder<string> =>
  sql<string>`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
