import { describe, test } from "vitest";
import { clonePostgres } from "../support/setup/database.ts";
import { expectRecovery, type Fault } from "../support/faults/recovery.ts";

const ownBackends = "datname = current_database() and application_name = 'taskwire'";

/** Every statement that writes tasks fails like that, until it is taken back. */
const failing = (body: string): Fault["strike"] => {
  return async ({ sql }) => {
    await sql(`create function fail() returns trigger language plpgsql as $$ begin ${body} end $$;
      create trigger fail before insert or update or delete on tasks execute function fail()`);
    return () => sql("drop trigger fail on tasks; drop function fail()");
  };
};
const raising = (state: string) =>
  failing(`raise exception 'injected' using errcode = '${state}';`);

/** A session holds a lock until it is taken back. */
const locking = (statement: string): Fault["strike"] => {
  return async ({ session }) => {
    const locker = await session();
    await locker.query(`begin; ${statement}`);
    return () => locker.end();
  };
};

/** Ends statements that wait for a lock, with a function of PostgreSQL's. */
const ending = (how: string): Fault["strike"] => {
  return async (world) => {
    const unlock = await locking("lock tasks")(world);
    let ended: unknown[] = [];
    while (ended.length === 0) {
      ended = await world.sql(
        `select ${how}(pid) from pg_stat_activity where ${ownBackends} and wait_event_type = 'Lock'`,
      );
    }
    return unlock;
  };
};

const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where ${ownBackends}`;

/** Changes the database by ALTER DATABASE, from another one, and ends the sessions that do not know yet. */
const altering = (change: string, back: string): Fault["strike"] => {
  return async ({ session, sql }) => {
    const [row] = await sql<{ name: string }>("select current_database() as name");
    const elsewhere = await session("postgres");
    const alter = async (to: string): Promise<void> => {
      await elsewhere.query(`alter database ${row?.name} ${to}`);
      await elsewhere.query(terminate.replace("current_database()", `'${row?.name}'`));
    };
    await alter(change);
    return async () => {
      await alter(back);
      await elsewhere.end();
    };
  };
};

const faults: readonly Fault[] = [
  {
    name: "backends are terminated",
    refusals: 0,
    strike: async ({ sql }) => void (await sql(terminate)),
  },
  {
    name: "backends are terminated in the middle of a statement",
    refusals: 1,
    strike: ending("pg_terminate_backend"),
  },
  { name: "statements are cancelled", refusals: 1, strike: ending("pg_cancel_backend") },
  {
    name: "packets get lost, and then find their way again",
    strike: async ({ proxy }) => {
      await proxy.set("drop");
      return () => proxy.set("pass");
    },
  },
  {
    name: "packets get lost, and old connections never come back",
    strike: async ({ proxy }) => {
      await proxy.set("drop");
      return () => {
        proxy.abandon();
        return proxy.set("pass");
      };
    },
  },
  {
    name: "old connections fall silent, while new ones work",
    // Calls that were on their way may find it out for all others.
    refusals: 0,
    strike: async ({ proxy }) => proxy.abandon(),
  },
  {
    name: "answers get lost, but not what was asked",
    strike: async ({ proxy }) => {
      await proxy.set("drop answers");
      return () => proxy.set("pass");
    },
  },
  {
    name: "connections are refused",
    strike: async ({ proxy }) => {
      await proxy.set("refuse");
      return () => proxy.set("pass");
    },
  },
  {
    name: "connections are reset",
    refusals: 0,
    strike: async ({ proxy }) => proxy.reset(),
  },
  {
    name: "packets take 100 ms",
    refusals: 0,
    strike: async ({ proxy }) => {
      proxy.delay = 100;
      return async () => (proxy.delay = 0);
    },
  },
  {
    name: "packets take 4 s",
    strike: async ({ proxy }) => {
      proxy.delay = 4000;
      return async () => (proxy.delay = 0);
    },
  },
  {
    name: "rows are locked",
    strike: locking("select from tasks for update"),
  },
  { name: "a table is locked", strike: locking("lock tasks") },
  { name: "a statement takes 10 s", strike: failing("perform pg_sleep(10); return null;") },
  { name: "the disk is full", strike: raising("53100") },
  { name: "memory runs out", strike: raising("53200") },
  { name: "every statement is in a deadlock", strike: raising("40P01") },
  {
    name: "the database is read-only, as a standby is",
    strike: altering(
      "set default_transaction_read_only = on",
      "reset default_transaction_read_only",
    ),
  },
  {
    name: "the database takes no connections",
    strike: altering("allow_connections false", "allow_connections true"),
  },
  { name: "a disk error", strike: raising("58030"), code: "INTERNAL_ERROR" },
  { name: "a bug of PostgreSQL's", strike: raising("XX000"), code: "INTERNAL_ERROR" },
  { name: "a value that cannot be stored", strike: raising("22001"), code: "VALIDATION_ERROR" },
];

describe("traffic endures that", () => {
  test.concurrent.for(faults)("$name", async (fault) => {
    const { url, drop } = await clonePostgres();
    try {
      await expectRecovery(url, fault);
    } finally {
      await drop();
    }
  });
});
