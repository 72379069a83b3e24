import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { hasLegacyHashes } from "./db/legacy-hashes.ts";
import { openDatabase } from "./db/open.ts";
import type { Orm } from "./db/orm.ts";
import { createPasswords, type Passwords } from "./security/passwords.ts";
import { createRateLimits, type RateLimits } from "./security/rate-limit.ts";
import { jwtSecret, keptSecret } from "./security/secret.ts";
import { createTokens, type Tokens } from "./security/tokens.ts";

/** All that the backend needs to answer a call; made once at start, passed in everywhere. */
export interface Deps {
  config: Config;
  log: Logger;
  clock: () => Date;
  orm: Orm;
  passwords: Passwords;
  tokens: Tokens;
  rateLimits: RateLimits;
  /** Releases everything, in reverse order of making. */
  close: () => Promise<void>;
}

interface Overrides {
  /** Replaces the system's clock in tests. */
  clock?: () => Date;
  /** Replaces the database that the configuration names; closed by `close()` too. */
  orm?: Orm;
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
  if (config.jwtSecret === undefined) await keptSecret(dataDir);
  const orm = overrides.orm ?? (await openDatabase(config.database, log));
  try {
    const secret = config.jwtSecret ?? (await jwtSecret(dataDir, log));
    const ttl = { access: config.accessTokenTtl, refresh: config.refreshTokenTtl };
    const [passwords, tokens] = await Promise.all([
      createPasswords(),
      createTokens({ secret, ttl, clock }),
    ]);
    await passwords.setLegacy(await hasLegacyHashes(orm));
    if (config.redisUrl !== undefined) {
      log.warn("REDIS_URL has no effect yet: attempts are counted in this process's memory");
    }
    const rateLimits = createRateLimits(config.rateLimits);
    return { config, log, clock, orm, passwords, tokens, rateLimits, close: () => orm.close() };
  } catch (error) {
    await orm.close();
    throw error;
  }
};
