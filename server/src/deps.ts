import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { startRevocationPoll } from "./jobs/revocation-poll.ts";
import { hasLegacyHashes } from "./jobs/legacy-hash-watch.ts";
import { openDatabase } from "./db/open.ts";
import type { Orm } from "./db/orm.ts";
import { createRevocationList, type RevocationList } from "./security/revocation-list.ts";
import { createPasswordHashing, type PasswordHashing } from "./security/password-hashing.ts";
import { createRateLimits, type RateLimits } from "./security/rate-limits.ts";
import { openRedis, type Redis } from "./security/redis.ts";
import { loadOrCreateSecret, readSecret } from "./security/secret.ts";
import { clockTolerance, createTokens, type Tokens } from "./security/tokens.ts";

/** All that the backend needs to answer a call; made once at start, passed in everywhere. */
export interface Deps {
  config: Config;
  log: Logger;
  clock: () => Date;
  orm: Orm;
  passwords: PasswordHashing;
  tokens: Tokens;
  revocations: RevocationList;
  rateLimits: RateLimits;
  /** Whether Redis can be used; without REDIS_URL there is none. */
  redis: Pick<Redis, "usable"> | undefined;
  /** Releases everything, in reverse order of making. */
  close: () => Promise<void>;
}

interface Overrides {
  /** Replaces the system's clock in tests. */
  clock?: () => Date;
  /** Replaces the database that the configuration names; closed by `close()` too. */
  orm?: Orm;
  /** Replaces hashing, which is slow on purpose. */
  passwords?: PasswordHashing;
}

/**
 * The composition root: opens the database and makes the parts that share it.
 * @throws {OperatorError} when the database or its secret cannot be used
 */
export const createDeps = async (
  config: Config,
  log: Logger,
  overrides: Overrides = {},
): Promise<Deps> => {
  const clock = overrides.clock ?? (() => new Date());
  const { dataDir } = config.database;
  // A broken secret is told before the database is touched.
  if (config.signingSecret === undefined) await readSecret(dataDir);
  const orm = overrides.orm ?? (await openDatabase(config.database, log));
  try {
    const secret = config.signingSecret ?? (await loadOrCreateSecret(dataDir, log));
    const ttl = { access: config.accessTokenTtl, refresh: config.refreshTokenTtl };
    const [passwords, tokens] = await Promise.all([
      overrides.passwords ?? createPasswordHashing(),
      createTokens({ secret, ttl, clock }),
    ]);
    // While it cannot be told, as if there were some: that costs time alone.
    await passwords.setLegacy(await hasLegacyHashes(orm).catch(() => true));
    const redis = config.redisUrl === undefined ? undefined : await openRedis(config.redisUrl, log);
    const rateLimits = createRateLimits(config.rateLimits, redis);
    const lifetime = ttl.access + clockTolerance;
    const revocations = createRevocationList(lifetime, clock);
    const following = await startRevocationPoll(orm, revocations, lifetime, log);
    return {
      config,
      log,
      clock,
      orm,
      passwords,
      tokens,
      revocations,
      rateLimits,
      redis,
      close: async () => {
        following.stop();
        redis?.close();
        await orm.close();
      },
    };
  } catch (error) {
    await orm.close();
    throw error;
  }
};
