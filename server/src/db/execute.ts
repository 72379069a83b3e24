import type { CompiledQuery } from "kysely";
import type { Pool } from "pg";
import type { Database } from "./orm.ts";

/** The pool of each query builder, except those of transactions. */
const pools = new WeakMap<Database, Pool>();

/** Makes `executeCompiled` send the queries of a query builder to its pool. */
export const usePool = (db: Database, pool: Pool): void => void pools.set(db, pool);

/**
 * Runs a compiled query, and returns its rows. Outside of a transaction it takes a connection of the pool, as Kysely's
 * executor does, without the executor's eight promises a query: they cost 5 µs, a fifth of the CPU time of a small query.
 */
export const executeCompiled = async <Row extends object>(
  db: Database,
  query: CompiledQuery<Row>,
): Promise<Row[]> => {
  const pool = pools.get(db);
  if (pool === undefined) return (await db.executeQuery(query)).rows;
  const client = await pool.connect();
  try {
    // The same two arguments as Kysely's, which named-statements.ts and observe-pool.ts extend.
    return (await client.query<Row>(query.sql, [...query.parameters])).rows;
  } finally {
    client.release();
  }
};
