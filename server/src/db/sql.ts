import { type Expression, type RawBuilder, sql } from "kysely";

/**
 * A timestamp as the contract writes it: UTC with milliseconds and Z. Made by the database, so that
 * PostgreSQL and PGlite, a row and a JSON aggregate all answer the same text.
 */
export const isoTime = (column: Expression<unknown>): RawBuilder<string> =>
  sql<string>`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
