import { Writable } from "node:stream";
import { buildApp } from "@taskwire/server/app.ts";
import { parseConfig } from "@taskwire/server/config.ts";
import { createDeps, type Deps } from "@taskwire/server/deps.ts";
import { createLogger } from "@taskwire/server/logger.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import {
  createPasswordHashing,
  type PasswordHashing,
} from "@taskwire/server/security/password-hashing.ts";
import type { AnyTRPCRouter } from "@trpc/server";
import { cloneDatabase } from "./database.ts";

/** The secret that test servers sign with. */
export const secret = "5ec2e7".repeat(11);

/** A clock that only `advance` moves. */
export interface TestClock {
  now: () => Date;
  /** Moves the time forward. @param seconds any number, fractions too */
  advance: (seconds: number) => void;
}

export const testClock = (start: Date = new Date()): TestClock => {
  let time = start.getTime();
  return {
    now: () => new Date(time),
    advance: (seconds) => {
      time += seconds * 1000;
    },
  };
};

/** The server's dependencies, with a database and a clock of the test. */
export interface TestDeps {
  deps: Deps;
  clock: TestClock;
  /** All log lines so far. */
  log: Record<string, unknown>[];
}

export interface TestServer extends TestDeps {
  /** http://127.0.0.1:port */
  url: string;
  close: () => Promise<void>;
}

export interface DepsOptions {
  /** Settings in addition to the tests' defaults, in which no rate limit takes effect. */
  env?: Record<string, string>;
  /** Default: a clock that stands still at the present time. */
  clock?: TestClock;
  /** Default: a clone of the migrated template. */
  orm?: Orm;
  /** Default: the product's own hashing at the lowest cost. */
  passwords?: PasswordHashing;
}

interface ServerOptions extends DepsOptions {
  /** Default: the product's router. */
  router?: AnyTRPCRouter;
  /** Default: a free one. */
  port?: number;
}

/** A thousandth of the production cost: the cost matters to few tests. */
const lowestCost = { memoryCost: 8, timeCost: 1, parallelism: 1 };

const testEnvironment = {
  NODE_ENV: "test",
  LOG_LEVEL: "debug",
  JWT_SECRET_KEY: secret,
  RATE_LIMIT_REGISTER: "1000000",
  RATE_LIMIT_LOGIN: "1000000",
  RATE_LIMIT_REFRESH: "1000000",
  RATE_LIMIT_CALLS_PER_USER: "0",
  RATE_LIMIT_CALLS_PER_ADDRESS: "0",
};

/** Creates the dependencies of a server, without a server; `deps.close()` releases them. */
export const createTestDeps = async ({
  env,
  clock = testClock(),
  orm,
  passwords,
}: DepsOptions = {}): Promise<TestDeps> => {
  const log: Record<string, unknown>[] = [];
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      log.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const config = parseConfig({ ...testEnvironment, ...env });
  const deps = await createDeps(config, createLogger(config.logLevel, destination), {
    clock: clock.now,
    orm: orm ?? (await cloneDatabase()),
    passwords: passwords ?? (await createPasswordHashing(lowestCost)),
  });
  return { deps, clock, log };
};

/** Starts the real server in this process, on a free port. */
export const startServer = async ({
  router,
  port = 0,
  ...options
}: ServerOptions = {}): Promise<TestServer> => {
  const test = await createTestDeps(options);
  const app = await buildApp(test.deps, router);
  const url = await app.listen({ host: "127.0.0.1", port });
  return {
    ...test,
    url,
    close: async () => {
      await app.close();
      await test.deps.close();
    },
  };
};
