import { describe, test } from "vitest";
import { clonePostgres } from "../support/setup/database.ts";
import { expectRecovery, type Fault } from "../support/faults/recovery.ts";

const ownBackends = "datname = current_database() and application_name = 'taskwire'";

/** Runs a PL/pgSQL body before every statement that writes tasks. */
const beforeWrites = (body: string): Fault["inject"] => {
  return async ({ sql }) => {
    await sql(`create function fail() returns trigger language plpgsql as $$ begin ${body} end $$;
      create trigger fail before insert or update or delete on tasks execute function fail()`);
    return () => sql("drop trigger fail on tasks; drop function fail()");
  };
};
/** Fails every statement that writes tasks with an SQLSTATE. */
const failWrites = (state: string) =>
  beforeWrites(`raise exception 'injected' using errcode = '${state}';`);

/** Holds a lock in another session. */
const lock = (statement: string): Fault["inject"] => {
  return async ({ session }) => {
    const locker = await session();
    await locker.query(`begin; ${statement}`);
    return () => locker.end();
  };
};

// PostgreSQL sends no event when a statement begins to wait. Each poll is a connection of its own.
const maxPolls = 3000;

/** Makes statements wait for a lock, and calls a function of PostgreSQL on their backends. */
const signalWaiting = (signalFunction: string): Fault["inject"] => {
  return async (environment) => {
    const unlock = await lock("lock tasks")(environment);
    let signalled: unknown[] = [];
    for (let polls = 0; signalled.length === 0; polls++) {
      if (polls === maxPolls) throw new Error("No statement waits for the lock");
      signalled = await environment.sql(
        `select ${signalFunction}(pid) from pg_stat_activity where ${ownBackends} and wait_event_type = 'Lock'`,
      );
    }
    return unlock;
  };
};

const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where ${ownBackends}`;

/** Changes the database by ALTER DATABASE, and terminates its sessions, which would keep the old setting. */
const alterDatabase = (change: string, back: string): Fault["inject"] => {
  return async ({ session, sql }) => {
    const [row] = await sql<{ name: string }>("select current_database() as name");
    const otherDatabase = await session("postgres");
    const alter = async (to: string): Promise<void> => {
      await otherDatabase.query(`alter database ${row?.name} ${to}`);
      await otherDatabase.query(terminate.replace("current_database()", `'${row?.name}'`));
    };
    await alter(change);
    return async () => {
      await alter(back);
      await otherDatabase.end();
    };
  };
};

const faults: readonly Fault[] = [
  {
    name: "backends are terminated",
    minErrors: 0,
    inject: async ({ sql }) => void (await sql(terminate)),
  },
  {
    name: "backends are terminated during a statement",
    minErrors: 1,
    inject: signalWaiting("pg_terminate_backend"),
  },
  { name: "statements are cancelled", minErrors: 1, inject: signalWaiting("pg_cancel_backend") },
  {
    name: "the network drops all packets, then delivers them",
    inject: async ({ proxy }) => {
      await proxy.set("drop");
      return () => proxy.set("pass");
    },
  },
  {
    name: "the network drops all packets, and the old connections stay dead",
    inject: async ({ proxy }) => {
      await proxy.set("drop");
      return () => {
        proxy.abandon();
        return proxy.set("pass");
      };
    },
  },
  {
    name: "the existing connections go dead while new ones work",
    // The calls in flight may replace the dead connections before another call fails.
    minErrors: 0,
    inject: async ({ proxy }) => proxy.abandon(),
  },
  {
    name: "the network drops the responses of PostgreSQL only",
    inject: async ({ proxy }) => {
      await proxy.set("drop responses");
      return () => proxy.set("pass");
    },
  },
  {
    name: "connections are rejected",
    inject: async ({ proxy }) => {
      await proxy.set("reject");
      return () => proxy.set("pass");
    },
  },
  {
    name: "connections are reset",
    minErrors: 0,
    inject: async ({ proxy }) => proxy.reset(),
  },
  {
    name: "packets take 100 ms",
    minErrors: 0,
    inject: async ({ proxy }) => {
      proxy.delay = 100;
      return async () => (proxy.delay = 0);
    },
  },
  {
    name: "packets take 4 s",
    inject: async ({ proxy }) => {
      proxy.delay = 4000;
      return async () => (proxy.delay = 0);
    },
  },
  {
    name: "all rows of tasks are locked",
    inject: lock("select from tasks for update"),
  },
  { name: "the table tasks is locked", inject: lock("lock tasks") },
  { name: "every write takes 10 s", inject: beforeWrites("perform pg_sleep(10); return null;") },
  { name: "the disk of PostgreSQL is full", inject: failWrites("53100") },
  { name: "PostgreSQL runs out of memory", inject: failWrites("53200") },
  { name: "the sequence of an id is at its end", inject: failWrites("2200H") },
  { name: "every write fails with a deadlock", inject: failWrites("40P01") },
  {
    name: "the database is read-only, like a standby",
    inject: alterDatabase(
      "set default_transaction_read_only = on",
      "reset default_transaction_read_only",
    ),
  },
  {
    name: "the database allows no connections",
    inject: alterDatabase("allow_connections false", "allow_connections true"),
  },
  {
    name: "every write fails with an I/O error",
    inject: failWrites("58030"),
    code: "INTERNAL_ERROR",
  },
  {
    name: "every write fails with an internal error of PostgreSQL",
    inject: failWrites("XX000"),
    code: "INTERNAL_ERROR",
  },
  {
    name: "PostgreSQL rejects a written value",
    inject: failWrites("22001"),
    code: "VALIDATION_ERROR",
  },
];

describe("calls fail with the expected error at worst, recover, and lose no acknowledged change, when", () => {
  // As an array, because vitest truncates `$name`.
  test.concurrent.for(faults.map((fault) => [fault.name, fault] as const))(
    "%s",
    async ([, fault]) => {
      const { url, drop } = await clonePostgres();
      try {
        await expectRecovery(url, fault);
      } finally {
        await drop();
      }
    },
  );
});
