import { Migrator } from "@mikro-orm/migrations";
import { MikroORM as PgliteOrm } from "@mikro-orm/pglite";
import { type InferKyselyDB, MikroORM, type Options } from "@mikro-orm/postgresql";
import type { PGlite } from "@electric-sql/pglite";
import type { Kysely } from "kysely";
import type { Pool } from "pg";
import { migrations } from "@taskwire/migrations";
import { Session } from "./entities/session.ts";
import { Tag } from "./entities/tag.ts";
import { Task, TaskTagLink } from "./entities/task.ts";
import { User } from "./entities/user.ts";
import { withTimeout } from "../timeout.ts";
import { closeDeadConnections } from "./dead-connections.ts";

const entities = [User, Session, Tag, Task, TaskTagLink] as const;

/** The entities' tables and columns. */
export type Tables = InferKyselyDB<(typeof entities)[number]>;

/** The typed query builder over them. */
export type Database = Kysely<Tables>;

/** A database that is open: what both drivers have in common. */
export interface Orm extends Pick<MikroORM, "em" | "schema" | "migrator"> {
  /** PGlite in this process, with one connection for everything. */
  embedded: boolean;
  close: () => Promise<void>;
}

const common = {
  entities: [...entities],
  extensions: [Migrator],
  // A misspelt DATABASE_URL is to be told, not to become a new, empty database.
  ensureDatabase: false,
  migrations: {
    migrationsList: migrations,
    tableName: "migrations",
    snapshot: false,
    silent: true,
  },
  // Functions are the migrations' own: no entity says what is in them.
  schemaGenerator: { ignoreRoutines: true },
} satisfies Options;

/**
 * Milliseconds. A call is answered within 3 s whatever happens (rpc/trpc.ts): a connection is given up before that, and
 * what the server goes on doing for nobody ends by itself, later.
 */
const timeouts = {
  connect: 2000,
  lock: 2000,
  silence: 2900,
  statement: 5000,
  idle: 10_000,
  close: 2000,
};

interface PoolOptions {
  /** Connections kept open, 0 or more. */
  poolMin: number;
  /** Connections at most, 1 or more. */
  poolMax: number;
  /** Off for migrations, which may rightly take long. */
  statementTimeout?: boolean;
}

/**
 * PostgreSQL at a URL. Nothing connects before the first query.
 * @param url postgresql://user:password@host:port/database
 */
export const openPostgres = async (url: string, options: PoolOptions): Promise<Orm> => {
  const bounded = options.statementTimeout !== false;
  const orm = await MikroORM.init({
    ...common,
    clientUrl: url,
    pool: { min: options.poolMin, max: options.poolMax },
    driverOptions: {
      // The ORM reads no parameters of a URL: without this, sslmode=require would connect in clear.
      connectionString: url,
      application_name: "taskwire",
      connectionTimeoutMillis: timeouts.connect,
      lock_timeout: timeouts.lock,
      statement_timeout: bounded ? timeouts.statement : 0,
      idle_in_transaction_session_timeout: timeouts.idle,
      keepAlive: true,
      onPoolCreated: (pool: Pool) => {
        if (bounded) closeDeadConnections(pool, timeouts.silence);
      },
    },
  });
  const { em, schema, migrator } = orm;
  return {
    em,
    schema,
    migrator,
    embedded: false,
    // A server that is away says no goodbye, and the pool would wait for it.
    close: () => withTimeout(timeouts.close, () => orm.close(true)),
  };
};

/**
 * An embedded database, which the returned ORM closes.
 * @param pglite an open instance
 */
export const openPglite = async (pglite: PGlite): Promise<Orm> => {
  const orm = await PgliteOrm.init({ ...common, driverOptions: { pglite } });
  // Both drivers extend MikroORM's one SQL base; only the connection behind it has another type.
  const { em, schema, migrator } = orm as unknown as MikroORM;
  return {
    em,
    schema,
    migrator,
    embedded: true,
    close: async () => {
      await orm.close(true);
      await pglite.close();
    },
  };
};
