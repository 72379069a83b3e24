import { isDeepStrictEqual } from "node:util";
import { MikroORM } from "@mikro-orm/postgresql";
import type { ClientConfig, Pool } from "pg";
import { OperatorError, reasonOf } from "../errors.ts";
import { withTimeout } from "../timeout.ts";
import { closeDeadConnections } from "./dead-connections.ts";
import { usePool } from "./execute.ts";
import { nameStatements } from "./named-statements.ts";
import { poolOf } from "./observe-pool.ts";
import { commonOptions, type Orm } from "./orm.ts";
import { createProbe } from "./probe.ts";
import { alterRole, checkTimeouts, missingTimeouts } from "./timeouts.ts";

/**
 * Milliseconds. Every call is answered within 3 s (rpc/middleware/deadline.ts), so a call must give up its connection
 * before that; a statement that then still runs on the server is cancelled by `statement`.
 */
const timeouts = {
  connect: 2000,
  lock: 2000,
  silence: 2900,
  statement: 5000,
  idleInTransaction: 10_000,
  close: 2000,
};

/** PostgreSQL's own time-outs, which pg sends when it connects. */
const timeoutsFor = (statementTimeout: boolean) => ({
  lock_timeout: statementTimeout ? timeouts.lock : 0,
  statement_timeout: statementTimeout ? timeouts.statement : 0,
  idle_in_transaction_session_timeout: timeouts.idleInTransaction,
});

interface PoolOptions {
  /** Connections kept open, 0 or more. */
  poolMin: number;
  /** Maximum number of connections, 1 or more. */
  poolMax: number;
  /** Default true. False for migrations: their statements may take long. */
  statementTimeout?: boolean;
  /** False behind a connection pooler that rejects the time-outs as parameters of a connection. Default true. */
  sendTimeouts?: boolean;
  /** Called if a connection pooler loses named statements; without it, statements have no names. */
  onNameLoss?: () => void;
  /** Milliseconds without data, after which a connection that is in use is closed. Default 2900. */
  silence?: number;
}

/**
 * Opens the ORM with a pool of connections. Does not connect before the first query.
 * @param database its name or URL
 * @param connection how pg connects to it
 */
export const openPool = async (
  database: { clientUrl: string } | { dbName: string },
  connection: ClientConfig,
  {
    poolMin,
    poolMax,
    statementTimeout = true,
    sendTimeouts = true,
    silence = timeouts.silence,
    onNameLoss,
  }: PoolOptions,
): Promise<Omit<Orm, "embedded" | "pooler" | "probe">> => {
  const orm = await MikroORM.init({
    ...commonOptions,
    ...database,
    pool: { min: poolMin, max: poolMax },
    driverOptions: {
      ...connection,
      application_name: "taskwire",
      connectionTimeoutMillis: timeouts.connect,
      ...(sendTimeouts ? timeoutsFor(statementTimeout) : {}),
      keepAlive: true,
      onPoolCreated: (pool: Pool) => {
        if (statementTimeout) closeDeadConnections(pool, silence);
        nameStatements(pool, onNameLoss);
      },
    },
  });
  const { em, schema, migrator } = orm;
  usePool(em.fork().getKysely(), await poolOf(orm));
  return {
    em,
    schema,
    migrator,
    // The pool waits for the server to confirm each close, which an unreachable server never does.
    close: () => withTimeout(timeouts.close, () => orm.close(true)),
  };
};

/**
 * Opens a PostgreSQL database. Does not connect before the first query.
 * @param url postgresql://user:password@host:port/database
 */
export const openPostgres = async (url: string, options: PoolOptions): Promise<Orm> => {
  // MikroORM ignores the parameters of a URL: without connectionString, sslmode=require would connect unencrypted.
  const orm = await openPool({ clientUrl: url }, { connectionString: url }, options);
  const { probe, close } = createProbe(url, options.sendTimeouts);
  return {
    ...orm,
    embedded: false,
    probe,
    close: async () => {
      await Promise.all([orm.close(), withTimeout(timeouts.close, close)]);
    },
  };
};

/** What `connectPostgres` reports. */
interface Warnings {
  /** Calls would run without time-outs. @param statements set them */
  timeouts?: (statements: string) => void;
  /** A connection pooler has lost a named statement. */
  names?: () => void;
}

/**
 * Opens a PostgreSQL database and checks the connection, so that a wrong URL fails at start and not at the first call. A
 * connection pooler such as pgbouncer rejects the time-outs, or ignores them: then the role has to set them.
 * @throws {OperatorError} with the host, the database and the reason, without the password
 */
export const connectPostgres = async (
  url: string,
  options: PoolOptions,
  warn: Warnings = {},
): Promise<Orm> => {
  let orm: Orm | undefined;
  try {
    const wanted = timeoutsFor(options.statementTimeout ?? true);
    const { sendTimeouts, role, actual } = await checkTimeouts(url, wanted);
    const pooler = !sendTimeouts || !isDeepStrictEqual(actual, wanted);
    const { names = () => {} } = warn;
    // Migrations change what a named statement was planned for.
    const isNamed = !pooler && options.statementTimeout !== false;
    const naming = isNamed ? { onNameLoss: names } : {};
    orm = await openPostgres(url, { ...options, sendTimeouts, ...naming });
    const missing = missingTimeouts(wanted, actual);
    if (missing.length > 0)
      warn.timeouts?.(missing.map((setting) => alterRole(role, setting)).join("; "));
    return { ...orm, pooler };
  } catch (cause) {
    await orm?.close();
    const { host, pathname } = new URL(url);
    throw new OperatorError(
      `PostgreSQL at ${host}${pathname} cannot be used: ${reasonOf(cause)}. Check DATABASE_URL and that the server runs.`,
      { cause },
    );
  }
};
