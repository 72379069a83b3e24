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

/** A clock that stands still until it is moved. */
export interface TestClock {
  now: () => Date;
  /** Moves it by so many seconds. */
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

/** The backend's parts, on a database of their own, with a clock that the test moves. */
export interface TestDeps {
  deps: Deps;
  clock: TestClock;
  /** Every log line so far. */
  log: Record<string, unknown>[];
}

export interface TestServer extends TestDeps {
  /** http://127.0.0.1:port */
  url: string;
  close: () => Promise<void>;
}

export interface DepsOptions {
  /** Settings beside the tests' own; rate limits are out of the way unless set here. */
  env?: Record<string, string>;
  /** The clock, instead of one that stands still at the present time. */
  clock?: TestClock;
  /** The database, instead of a clone of the migrated template. */
  orm?: Orm;
  /** Hashing, instead of the product's own at the least cost there is. */
  passwords?: PasswordHashing;
}

interface ServerOptions extends DepsOptions {
  /** The procedures to serve, instead of the product's. */
  router?: AnyTRPCRouter;
}

/** A thousandth of what a hash costs in earnest: most tests say nothing about that. */
const quick = { memoryCost: 8, timeCost: 1, parallelism: 1 };

const testEnvironment = {
  NODE_ENV: "test",
  LOG_LEVEL: "debug",
  JWT_SECRET_KEY: secret,
  RATE_LIMIT_REGISTER: "1000000",
  RATE_LIMIT_LOGIN: "1000000",
  RATE_LIMIT_REFRESH: "1000000",
};

/** All that a call needs but a server; `deps.close()` releases it. */
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
    passwords: passwords ?? (await createPasswordHashing(quick)),
  });
  return { deps, clock, log };
};

/** The real server on a free port. */
export const startServer = async ({
  router,
  ...options
}: ServerOptions = {}): Promise<TestServer> => {
  const test = await createTestDeps(options);
  const app = await buildApp(test.deps, router);
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    ...test,
    url,
    close: async () => {
      await app.close();
      await test.deps.close();
    },
  };
};
