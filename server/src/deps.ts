import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { startRevocationPoll } from "./jobs/revocation-poll.ts";
import { hasLegacyHashes } from "./jobs/legacy-hash-watch.ts";
import { openDatabase } from "./db/open.ts";
import type { Orm } from "./db/orm.ts";
import { type CheckDatabase, createDatabaseCheck } from "./db/readiness.ts";
import { createRevocationList, type RevocationList } from "./security/revocation-list.ts";
import { type CallLimits, createCallLimits } from "./security/call-limits.ts";
import { createPasswordHashing, type PasswordHashing } from "./security/password-hashing.ts";
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
  checkDatabase: CheckDatabase;
  passwords: PasswordHashing;
  tokens: Tokens;
  revocations: RevocationList;
  rateLimits: RateLimits;
  callLimits: CallLimits;
  /** The turns of each user's calls. A user leaves at least one of several connections for other users. */
  calls: Turns;
  /** The turns of each user's searches, which take long: one at a time. */
  searches: Turns;
  /** Whether Redis is available; undefined without REDIS_URL. */
  redis: Pick<Redis, "usable"> | undefined;
  /** Stops polling, and closes the connections to Redis and the database. */
  close: () => Promise<void>;
}

interface Overrides {
  /** Replaces the system's clock in tests. */
  clock?: () => Date;
  /** Replaces the database of the configuration; `close()` closes it too. */
  orm?: Orm;
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
  // Reports an unreadable secret before the database is opened.
  if (config.signingSecret === undefined) await readSecret(dataDir);
  const orm = overrides.orm ?? (await openDatabase(config.database, log));
  try {
    const secret = config.signingSecret ?? (await loadOrCreateSecret(dataDir, log));
    const ttl = { access: config.accessTokenTtl, refresh: config.refreshTokenTtl };
    const [passwords, tokens] = await Promise.all([
      overrides.passwords ?? createPasswordHashing(),
      createTokens({ ...config.tokenClaims, secret, ttl, clock }),
    ]);
    // If the check fails, assume that legacy hashes exist: this only affects timing.
    await passwords.setLegacy(await hasLegacyHashes(orm).catch(() => true));
    const redis = config.redisUrl === undefined ? undefined : await openRedis(config.redisUrl, log);
    const rateLimits = createRateLimits(config.rateLimits, redis);
    const lifetime = ttl.access + clockTolerance;
    const revocations = createRevocationList(lifetime, clock);
    const revocationPoll = await startRevocationPoll(orm, revocations, lifetime, log);
    return {
      config,
      log,
      clock,
      orm,
      checkDatabase: createDatabaseCheck(orm, clock),
      passwords,
      tokens,
      revocations,
      rateLimits,
      callLimits: createCallLimits(config.callLimits, clock),
      calls: createTurns(Math.max(1, Math.min(maxCallsAtOnce, config.database.poolMax - 1))),
      searches: createTurns(1),
      redis,
      close: async () => {
        revocationPoll.stop();
        redis?.close();
        await orm.close();
      },
    };
  } catch (error) {
    await orm.close();
    throw error;
  }
};
