import type { Orm } from "@taskwire/server/db/orm.ts";
import { cloneDatabase } from "./database.ts";
import { startServer, type TestServer } from "./server.ts";

/** One statement that was sent to the database. */
export interface Statement {
  sql: string;
  parameters: readonly unknown[];
  /** The SQLSTATE, once the statement has failed. */
  failure?: string;
}

/** A driver's query function: takes a statement's text, or an object that contains it, and the parameters. */
type Query = (...args: unknown[]) => unknown;

/** Whether a statement is the server's poll for revoked sessions, which runs several times a second without a call. */
const isRevocationPoll = (text: unknown): boolean =>
  String(text).startsWith("select id from sessions where revoked_at >");

/** Returns the function, extended so that it records each statement. */
const recording = (query: Query, statements: Statement[]): Query =>
  new Proxy(query, {
    apply: (target, self, args: unknown[]) => {
      const [text, parameters] = args;
      if (isRevocationPoll(text)) return Reflect.apply(target, self, args);
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

/** The part of pg's pool (https://node-postgres.com/apis/pool) used here; its own type has six overloads of `query`. */
interface Pool {
  on: (event: "acquire", listener: (client: Client) => void) => void;
}

/** Creates a database like `cloneDatabase`, and records every statement where the driver sends it. */
export const watchedDatabase = async (): Promise<{ orm: Orm; statements: Statement[] }> => {
  const statements: Statement[] = [];
  const orm = await cloneDatabase();
  // Safe: the native client of the driver is a pg.Pool.
  const pool = (await orm.em.getConnection().getNativeClient()) as unknown as Pool;
  const recorded = new WeakSet<Client>();
  pool.on("acquire", (client) => {
    if (!recorded.has(client)) client.query = recording(client.query.bind(client), statements);
    recorded.add(client);
  });
  if (orm.embedded) return { orm, statements };
  // The probe has a connection of its own. Safe: it is a function, and arguments and result pass unchanged.
  const probe = recording(orm.probe as Query, statements) as Orm["probe"];
  return { orm: { ...orm, probe }, statements };
};

/** Starts a server on such a database. */
export const startWatched = async (): Promise<{ server: TestServer; statements: Statement[] }> => {
  const { orm, statements } = await watchedDatabase();
  return { server: await startServer({ orm }), statements };
};
