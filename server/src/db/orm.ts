import { Migrator } from "@mikro-orm/migrations";
import type { InferKyselyDB, MikroORM, Options } from "@mikro-orm/postgresql";
import type { Kysely } from "kysely";
import { migrations } from "@taskwire/migrations";
import { Session } from "./entities/session.ts";
import { Tag } from "./entities/tag.ts";
import { Task, TaskTagLink, UserTaskCounts } from "./entities/task.ts";
import { User } from "./entities/user.ts";
import type { Probe } from "./probe.ts";

/**
 * MikroORM owns the schema (entities), the migrations, the connections and the transactions. Queries use its typed
 * Kysely builder, without a unit of work: listing 20 tasks with their tags costs 1.6 ms CPU as entities with populate,
 * and 0.16 ms as one query.
 *
 * The rule: the builder by default; `sql` for what the builder cannot express; `em.execute` only in migrations and probes.
 */
const entities = [User, Session, Tag, Task, TaskTagLink, UserTaskCounts] as const;

/** The tables and columns of the entities. */
export type Tables = InferKyselyDB<(typeof entities)[number]>;

/** The typed query builder for these tables. */
export type Database = Kysely<Tables>;

/** An open database: PostgreSQL, or PGlite behind the same driver. */
export interface Orm extends Pick<MikroORM, "em" | "schema" | "migrator"> {
  /** True for PGlite, which runs in a thread of this process and has one connection. */
  embedded: boolean;
  /** True if a connection pooler is between, which shares connections between transactions. */
  pooler?: boolean;
  /** Checks the database, if possible without the connections of the calls. */
  probe: Probe;
  close: () => Promise<void>;
}

/** The options of every connection. */
export const commonOptions = {
  entities: [...entities],
  extensions: [Migrator],
  // A misspelt DATABASE_URL must fail, not create a new, empty database.
  ensureDatabase: false,
  migrations: {
    migrationsList: migrations,
    tableName: "migrations",
    snapshot: false,
    silent: true,
  },
  // SQL functions and triggers are created by migrations only: no entity describes their bodies.
  schemaGenerator: { ignoreRoutines: true, ignoreTriggers: true },
} satisfies Options;
