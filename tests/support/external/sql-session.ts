import pg from "pg";

/** Opens a PostgreSQL session without a pool. Ignores errors of the connection, since a test may terminate it. */
export const openSession = async (connectionString: string): Promise<pg.Client> => {
  // So that a session can reset a database that a fault has made read-only.
  const options = "-c default_transaction_read_only=off";
  const client = new pg.Client({ connectionString, options, connectionTimeoutMillis: 60_000 });
  client.on("error", () => {});
  await client.connect();
  return client;
};

/** Runs one or more statements in a session of their own, and returns the rows. */
export const runSql = async <Row extends object>(url: string, text: string): Promise<Row[]> => {
  const client = await openSession(url);
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
};
