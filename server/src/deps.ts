import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { startRevocationPoll } from "./jobs/revocation-poll.ts";
import { hasLegacyHashes } from "./jobs/legacy-hash-watch.ts";
import { openDatabase } from "./db/open.ts";
import type { Database, Orm } from "./db/orm.ts";
import { countCallLimitTrips, countRateLimitTrips } from "./observability/limit-trips.ts";
import { openMetrics, traceStatements } from "./observability/open.ts";
import type { Metrics } from "./observability/metrics.ts";
import type { Tracing } from "./observability/tracing.ts";
import { type CheckDatabase, createDatabaseCheck } from "./db/readiness.ts";
import { createRevocationList, type RevocationList } from "./security/revocation-list.ts";
import { type CallLimits, createCallLimits } from "./security/call-limits.ts";
import { createTripFilter, type LimitTrip } from "./security/limit-trips.ts";
import { createPasswordHashing, type PasswordHashing } from "./security/password-hashing.ts";
import { importKeys, type Keys } from "./security/keys.ts";
import { createRateLimits, type RateLimits } from "./security/rate-limits.ts";
import { openRedis, type Redis } from "./security/redis.ts";
import { loadOrCreateSecret, readSecret } from "./security/secret.ts";
import { clockTolerance, createTokens, type Tokens } from "./security/tokens.ts";
import { createTurns, type Turns } from "./security/turns.ts";

/** Calls of one user that run at once. One connection less than the default pool has. */
const maxCallsAtOnce = 4;

/** The parts that the server shares between all calls: created once at start, passed as an argument everywhere. */
export interface Deps {
  config: Config;
  log: Logger;
  clock: () => Date;
  orm: Orm;
  /** The query builder, which has no state: a transaction gets one of its own. */
  db: Database;
  checkDatabase: CheckDatabase;
  passwords: PasswordHashing;
  tokens: Tokens;
  /** The JWK Set of the keys that verify tokens. */
  publicKeys: Keys["published"];
  revocations: RevocationList;
  rateLimits: RateLimits;
  callLimits: CallLimits;
  /** Whether to log that a limit has tripped: once a minute for each limit and key. */
  isNewTrip: (trip: LimitTrip) => boolean;
  /** The turns of each user's calls. A user leaves at least one of several connections for other users. */
  calls: Turns;
  /** The turns of each user's searches, which take long: one at a time. */
  searches: Turns;
  /** Aborts when the process begins to drain: it stops soon, and should get no new requests. */
  draining: AbortController;
  /** Whether Redis is available; undefined without REDIS_URL. */
  redis: Pick<Redis, "usable"> | undefined;
  /** Undefined without METRICS_PORT: nothing is measured then. */
  metrics: Metrics | undefined;
  /** Undefined without OTEL_EXPORTER_OTLP_ENDPOINT. */
  tracing: Tracing | undefined;
  /** Stops polling, and closes the connections to Redis, then those to the database. */
  close: () => Promise<void>;
}

interface Overrides {
  /** Replaces the system's clock in tests. */
  clock?: () => Date;
  /** Replaces the database of the configuration; `close()` closes it too. */
  orm?: Orm;
  /** Makes spans. Created before the log, which names them; `close()` closes it too. */
  tracing?: Tracing | undefined;
  /** Replaces password hashing, which is slow by design. */
  passwords?: PasswordHashing;
}

/**
 * Opens the database and creates the parts that share it (the composition root).
 * @throws {OperatorError} if the database or the signing secret cannot be used
 */
export const createDeps = async (
  config: Config,
  log: Logger,
  overrides: Overrides = {},
): Promise<Deps> => {
  const clock = overrides.clock ?? (() => new Date());
  const { dataDir } = config.database;
  const isEmbedded = config.database.url === undefined;
  // Reports an unreadable secret before the database is opened. A private key replaces it, but its tokens stay valid.
  const stored =
    config.signingSecret === undefined && isEmbedded ? await readSecret(dataDir) : undefined;
  const orm = overrides.orm ?? (await openDatabase(config.database, log));
  try {
    const { privateKey, publicKeys, previousSecrets } = config;
    let secret = config.signingSecret ?? stored;
    if (privateKey === undefined) secret ??= await loadOrCreateSecret(dataDir, log);
    const secrets = secret === undefined ? previousSecrets : [secret, ...previousSecrets];
    const keys = await importKeys({ secrets, privateKey, publicKeys });
    const ttl = { access: config.accessTokenTtl, refresh: config.refreshTokenTtl };
    const tokens = createTokens({ ...config.tokenClaims, keys, ttl, clock });
    const passwords = overrides.passwords ?? (await createPasswordHashing());
    // If the check fails, assume that legacy hashes exist: this only affects timing.
    await passwords.setLegacy(await hasLegacyHashes(orm).catch(() => true));
    const redis = config.redisUrl === undefined ? undefined : await openRedis(config.redisUrl, log);
    const rateLimits = createRateLimits(config.rateLimits, redis);
    const callLimits = createCallLimits(config.callLimits, clock);
    const lifetime = ttl.access + clockTolerance;
    const revocations = createRevocationList(lifetime, clock);
    const revocationPoll = await startRevocationPoll(orm, revocations, lifetime, log);
    const checkDatabase = createDatabaseCheck(orm, clock);
    const metrics = await openMetrics(config, {
      orm,
      passwords,
      redis,
      checkDatabase,
      revocationLag: revocationPoll.lag,
    });
    const { tracing } = overrides;
    if (tracing !== undefined) await traceStatements(tracing, orm);
    return {
      config,
      log,
      clock,
      orm,
      db: orm.em.fork().getKysely(),
      checkDatabase,
      passwords,
      tokens,
      publicKeys: keys.published,
      revocations,
      rateLimits: metrics === undefined ? rateLimits : countRateLimitTrips(rateLimits, metrics),
      callLimits: metrics === undefined ? callLimits : countCallLimitTrips(callLimits, metrics),
      isNewTrip: createTripFilter(clock),
      calls: createTurns(Math.max(1, Math.min(maxCallsAtOnce, config.database.poolMax - 1))),
      searches: createTurns(1),
      draining: new AbortController(),
      redis,
      metrics,
      tracing,
      close: async () => {
        revocationPoll.stop();
        metrics?.stop();
        await redis?.close();
        await orm.close();
        await tracing?.close();
      },
    };
  } catch (error) {
    await orm.close();
    throw error;
  }
};
