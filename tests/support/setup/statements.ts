import { openPglite } from "@taskwire/server/db/embedded/pglite.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { inject } from "vitest";
import { cloneDatabase, clonePglite } from "./database.ts";
import { startServer, type TestServer } from "./server.ts";

/** One statement that a database was sent. */
export interface Statement {
  sql: string;
  parameters: readonly unknown[];
  /** The SQLSTATE with which it failed, once it has. */
  failure?: string;
}

/** What tells a driver to send a statement: its text, or an object that holds it, and its parameters. */
type Query = (...args: unknown[]) => unknown;

/** What the server asks by itself, several times a second, whoever calls or not. */
const isOwnClockwork = (text: unknown): boolean =>
  String(text).startsWith("select id from sessions where revoked_at >");

/** The function, which from now on also notes what it sends. */
const noting = (query: Query, statements: Statement[]): Query =>
  new Proxy(query, {
    apply: (target, self, args: unknown[]) => {
      const [text, parameters] = args;
      if (isOwnClockwork(text)) return Reflect.apply(target, self, args);
      const statement: Statement = {
        sql: typeof text === "string" ? text : JSON.stringify(text),
        parameters: Array.isArray(parameters) ? parameters : [],
      };
      statements.push(statement);
      const sent: unknown = Reflect.apply(target, self, args);
      if (sent instanceof Promise) {
        sent.catch((error: unknown) => {
          if (error instanceof Error && "code" in error) statement.failure = String(error.code);
        });
      }
      return sent;
    },
  });

interface Client {
  query: Query;
}

/** What is needed here of the driver's pool (https://node-postgres.com/apis/pool), whose own types are not installed. */
interface Pool {
  on: (event: "acquire", listener: (client: Client) => void) => void;
}

/** An empty database as from `cloneDatabase`, and every statement that its driver sends, at the driver's own door. */
export const watchedDatabase = async (): Promise<{ orm: Orm; statements: Statement[] }> => {
  const statements: Statement[] = [];
  if (inject("database") === "pglite") {
    const pglite = await clonePglite();
    // A transaction begins by itself, and its statements go another way: it counts, whatever is in it.
    // Each of the three is a function, and what it takes and gives goes through untouched.
    for (const method of ["query", "exec", "transaction"] as const) {
      Object.assign(pglite, { [method]: noting(pglite[method] as Query, statements) });
    }
    return { orm: await openPglite(pglite), statements };
  }
  const orm = await cloneDatabase();
  const pool = (await orm.em.getConnection().getNativeClient()) as unknown as Pool;
  const noted = new WeakSet<Client>();
  pool.on("acquire", (client) => {
    if (!noted.has(client)) client.query = noting(client.query.bind(client), statements);
    noted.add(client);
  });
  return { orm, statements };
};

/** A server on such a database. */
export const startWatched = async (): Promise<{ server: TestServer; statements: Statement[] }> => {
  const { orm, statements } = await watchedDatabase();
  return { server: await startServer({ orm }), statements };
};
