import { z } from "zod";
import { keyConflicts, privateKey, publicKeys, secret, secrets } from "./config/keys.ts";
import {
  integer,
  isAddressRange,
  isHttpUrl,
  isRedisUrl,
  oneOf,
  origins,
  printable,
  schemeOf,
  splitList,
} from "./config/rules.ts";
import { fileSettings } from "./config/secret-files.ts";

/** Every setting with its default and its rule. A test compares them with `.env.example` and the documentation. */
export const environment = z.object({
  HOST: z.string().default("127.0.0.1"),
  PORT: integer(0, 65_535).default(8000),
  KEEP_ALIVE_TIMEOUT: integer(1, 3600).default(72),
  DRAIN_DELAY: integer(0, 5).optional(),
  METRICS_PORT: integer(0, 65_535).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine(isHttpUrl, "must be a URL like http://collector:4318")
    .optional(),
  NODE_ENV: oneOf("development", "test", "production").default("development"),
  LOG_LEVEL: oneOf("fatal", "error", "warn", "info", "debug", "trace", "silent").default("info"),
  DATABASE_URL: z
    .string()
    .refine(
      (text) => ["postgres:", "postgresql:"].includes(schemeOf(text) ?? ""),
      "must be a URL like postgresql://user:password@host:5432/database",
    )
    .optional(),
  DATA_DIR: z.string().default(".data"),
  DB_POOL_MIN: integer(0, 1000).default(2),
  DB_POOL_MAX: integer(1, 1000).default(5),
  REDIS_URL: z
    .string()
    .refine(isRedisUrl, "must be a URL like redis://user:password@host:6379/0")
    .optional(),
  JWT_SECRET_KEY: secret.optional(),
  JWT_PREVIOUS_SECRET_KEYS: secrets.default([]),
  JWT_PRIVATE_KEY: privateKey.optional(),
  JWT_PUBLIC_KEYS: publicKeys.default([]),
  ...fileSettings,
  JWT_ISSUER: printable(255).optional(),
  JWT_AUDIENCE: printable(255).optional(),
  ACCESS_TOKEN_TTL: integer(1, 86_400).default(900),
  REFRESH_TOKEN_TTL: integer(1, 31_536_000).default(604_800),
  SESSION_MAX_AGE: integer(1, 31_536_000).default(2_592_000),
  COOKIE_SECURE: oneOf("true", "false")
    .transform((text) => text === "true")
    .default(true),
  COOKIE_SAME_SITE: oneOf("strict", "lax", "none").default("strict"),
  CORS_ORIGINS: origins.default([
    "http://localhost:3000",
    "http://localhost:5173",
    "http://localhost:8080",
    "http://localhost:8000",
  ]),
  TRUST_PROXY: z
    .string()
    .transform(splitList)
    .refine(
      (list) => list.length > 0 && list.every(isAddressRange),
      "must list the proxies' IP addresses or CIDR ranges, separated by commas",
    )
    .optional(),
  RATE_LIMIT_REGISTER: integer(1, 1_000_000).default(5),
  RATE_LIMIT_LOGIN: integer(1, 1_000_000).default(5),
  RATE_LIMIT_REFRESH: integer(1, 1_000_000).default(10),
  RATE_LIMIT_CALLS_PER_USER: integer(0, 100_000_000).default(60_000),
  RATE_LIMIT_CALLS_PER_ADDRESS: integer(0, 100_000_000).default(300_000),
});

type Settings = z.output<typeof environment>;

/**
 * Returns a sentence for each combination of settings that is not allowed.
 * @param isNamed whether the environment sets a variable, rather than its default
 */
const conflictsIn = (settings: Settings, isNamed: (name: keyof Settings) => boolean): string[] => {
  const problems: string[] = [];
  const production = settings.NODE_ENV === "production";
  // Otherwise a deployment that loses its DATABASE_URL starts on an empty database.
  if (production && !isNamed("DATABASE_URL") && !isNamed("DATA_DIR")) {
    problems.push(
      "DATABASE_URL, or DATA_DIR for the embedded database, is required with NODE_ENV=production",
    );
  }
  if (settings.METRICS_PORT === settings.PORT && settings.PORT > 0)
    problems.push("METRICS_PORT must not be the same as PORT");
  if (settings.DB_POOL_MIN > settings.DB_POOL_MAX)
    problems.push("DB_POOL_MIN must not be greater than DB_POOL_MAX");
  problems.push(...keyConflicts(settings));
  if (production && settings.CORS_ORIGINS.includes("*")) {
    problems.push("CORS_ORIGINS must not contain * with NODE_ENV=production");
  }
  if (settings.COOKIE_SAME_SITE === "none") {
    if (!settings.COOKIE_SECURE)
      problems.push(
        "COOKIE_SAME_SITE=none requires COOKIE_SECURE=true: browsers reject the cookie otherwise",
      );
    // The pages of every site send the cookie then: only the check of the origin stops those that are not listed.
    const list = settings.CORS_ORIGINS;
    if (!isNamed("CORS_ORIGINS") || list.length === 0 || list.includes("*"))
      problems.push(
        "CORS_ORIGINS must list the origins of the pages, without *, with COOKIE_SAME_SITE=none",
      );
  }
  return problems;
};

/** An invalid environment. `problems` has one sentence for each variable; none contains a value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
    this.problems = problems;
  }
}

/**
 * Parses the environment into the configuration.
 * @param env variable names and values, such as `process.env`; an empty value counts as unset
 * @param fileProblems a sentence for each `…_FILE` that could not be read
 * @throws {ConfigError} with all problems at once
 */
export const parseConfig = (
  env: Readonly<Record<string, string | undefined>>,
  fileProblems: readonly string[] = [],
) => {
  const values = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value?.trim() !== ""),
  );
  const { data, error } = environment.safeParse(values);
  const faults = error?.issues.map(({ path, message }) => `${String(path[0])} ${message}`) ?? [];
  if (data === undefined || fileProblems.length > 0)
    throw new ConfigError([...fileProblems, ...faults]);
  const conflicts = conflictsIn(data, (name) => values[name] !== undefined);
  if (conflicts.length > 0) throw new ConfigError(conflicts);
  return {
    host: data.HOST,
    port: data.PORT,
    /** Seconds for which a socket stays open between two requests. */
    keepAliveTimeout: data.KEEP_ALIVE_TIMEOUT,
    /** Seconds from the signal to stop, for which the server accepts requests. */
    drainDelay: data.DRAIN_DELAY ?? (data.NODE_ENV === "production" ? 5 : 0),
    metricsPort: data.METRICS_PORT,
    tracesEndpoint: data.OTEL_EXPORTER_OTLP_ENDPOINT,
    production: data.NODE_ENV === "production",
    logLevel: data.LOG_LEVEL,
    database: {
      url: data.DATABASE_URL,
      dataDir: data.DATA_DIR,
      poolMin: data.DB_POOL_MIN,
      poolMax: data.DB_POOL_MAX,
    },
    redisUrl: data.REDIS_URL,
    /** Signs, unless there is a private key: then it only verifies, as the previous secrets do. */
    signingSecret: data.JWT_SECRET_KEY,
    previousSecrets: data.JWT_PREVIOUS_SECRET_KEYS,
    privateKey: data.JWT_PRIVATE_KEY,
    /** They verify, and are published. */
    publicKeys: data.JWT_PUBLIC_KEYS,
    /** Of all tokens. */
    tokenClaims: { issuer: data.JWT_ISSUER, audience: data.JWT_AUDIENCE },
    /** Seconds. */
    accessTokenTtl: data.ACCESS_TOKEN_TTL,
    /** Seconds. */
    refreshTokenTtl: data.REFRESH_TOKEN_TTL,
    /** Seconds from sign-in, no matter how often the session is refreshed. */
    sessionMaxAge: data.SESSION_MAX_AGE,
    cookieSecure: data.COOKIE_SECURE,
    cookieSameSite: data.COOKIE_SAME_SITE,
    corsOrigins: data.CORS_ORIGINS,
    trustProxy: data.TRUST_PROXY,
    /** Attempts per minute for each client address. */
    rateLimits: {
      register: data.RATE_LIMIT_REGISTER,
      login: data.RATE_LIMIT_LOGIN,
      refresh: data.RATE_LIMIT_REFRESH,
    },
    /** Calls per minute, 0 for no limit. */
    callLimits: {
      perUser: data.RATE_LIMIT_CALLS_PER_USER,
      perAddress: data.RATE_LIMIT_CALLS_PER_ADDRESS,
    },
  };
};

export type Config = ReturnType<typeof parseConfig>;
