import pg from "pg";

/** A session of its own on a PostgreSQL; whoever ends it, nobody is told. */
export const openSession = async (connectionString: string): Promise<pg.Client> => {
  // A database that was made read-only is to be made writable again.
  const options = "-c default_transaction_read_only=off";
  const client = new pg.Client({ connectionString, options, connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  await client.connect();
  return client;
};

/** Runs one statement, or several without parameters, in such a session. */
export const runSql = async <Row extends object>(url: string, text: string): Promise<Row[]> => {
  const client = await openSession(url);
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
};
