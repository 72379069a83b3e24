import { isIP } from "node:net";
import { z } from "zod";

const integer = (minimum: number, maximum: number) => {
  const fault = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, fault)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, fault);
};

const oneOf = <const Values extends readonly [string, ...string[]]>(...values: Values) =>
  z.enum(values, `must be one of: ${values.join(", ")}`);

/** The schemes of a URL in `text`, or nothing if it is no URL. */
const schemeOf = (text: string): string | undefined =>
  URL.canParse(text) ? new URL(text).protocol : undefined;

// The client would take more for a URL, and throw at a name or password that is not encoded.
const isRedisUrl = (text: string): boolean => {
  if (!["redis:", "rediss:"].includes(schemeOf(text) ?? "")) return false;
  const { hostname, username, password, pathname } = new URL(text);
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return hostname !== "" && /^(\/\d*)?$/.test(pathname);
};

const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

const isOrigin = (text: string): boolean =>
  text === "*" ||
  (["http:", "https:"].includes(schemeOf(text) ?? "") && new URL(text).origin === text);

const origins = z
  .string()
  .transform((text, context) => {
    if (!text.trim().startsWith("[")) return listOf(text);
    try {
      return z.array(z.string()).parse(JSON.parse(text));
    } catch {
      context.addIssue("must be a JSON array of strings, or origins separated by commas");
      return z.NEVER;
    }
  })
  .refine(
    (list) => list.every(isOrigin),
    "must list origins like https://app.example.com: scheme, host and port only",
  );

// A prefix of 0 would trust everybody, as `true` and a hop count do: a client could then choose its own address.
const isAddressRange = (text: string): boolean => {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  if (bits === undefined || rest.length > 0) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits);
};

// A block written again and again is somebody's sample: fit for a test, known to everybody in production.
const isSample = (secret: string): boolean => /^(.+)\1+$/.test(secret.toLowerCase());

/** Every setting: its name, its default, its rule. `.env.example` and the README list the same, which a test checks. */
export const environment = z.object({
  HOST: z.string().default("127.0.0.1"),
  PORT: integer(0, 65_535).default(8000),
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
  JWT_SECRET_KEY: z
    .string()
    .regex(
      /^[0-9a-f]{64,}$/i,
      "must be at least 64 hex characters (make one with: openssl rand -hex 32)",
    )
    .optional(),
  ACCESS_TOKEN_TTL: integer(1, 86_400).default(900),
  REFRESH_TOKEN_TTL: integer(1, 31_536_000).default(604_800),
  SESSION_MAX_AGE: integer(1, 31_536_000).default(2_592_000),
  COOKIE_SECURE: oneOf("true", "false")
    .transform((text) => text === "true")
    .default(true),
  CORS_ORIGINS: origins.default([
    "http://localhost:3000",
    "http://localhost:5173",
    "http://localhost:8080",
    "http://localhost:8000",
  ]),
  TRUST_PROXY: z
    .string()
    .transform(listOf)
    .refine(
      (list) => list.length > 0 && list.every(isAddressRange),
      "must list the proxies' IP addresses or CIDR ranges, separated by commas",
    )
    .optional(),
  RATE_LIMIT_REGISTER: integer(1, 1_000_000).default(5),
  RATE_LIMIT_LOGIN: integer(1, 1_000_000).default(5),
  RATE_LIMIT_REFRESH: integer(1, 1_000_000).default(10),
});

type Settings = z.output<typeof environment>;

/** Settings that are each right, but not together. */
const conflicts = (settings: Settings): string[] => {
  const faults: string[] = [];
  const production = settings.NODE_ENV === "production";
  if (settings.DB_POOL_MIN > settings.DB_POOL_MAX)
    faults.push("DB_POOL_MIN must not be above DB_POOL_MAX");
  if (
    settings.JWT_SECRET_KEY === undefined &&
    (production || settings.DATABASE_URL !== undefined)
  ) {
    const reason = production ? "NODE_ENV=production" : "DATABASE_URL";
    faults.push(`JWT_SECRET_KEY is required with ${reason} (make one with: openssl rand -hex 32)`);
  }
  if (production && isSample(settings.JWT_SECRET_KEY ?? "")) {
    faults.push("JWT_SECRET_KEY must be random (make one with: openssl rand -hex 32)");
  }
  if (production && settings.CORS_ORIGINS.includes("*")) {
    faults.push("CORS_ORIGINS must not contain * with NODE_ENV=production");
  }
  return faults;
};

/** The environment is wrong; `faults` has one sentence per variable, none with a value in it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.faults = faults;
  }
}

/**
 * The configuration that an environment asks for.
 * @param env variable names and values, such as `process.env`; an empty value counts as unset
 * @throws {ConfigError} with every fault at once
 */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ""));
  const { data, error } = environment.safeParse(given);
  if (error !== undefined) {
    throw new ConfigError(error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`));
  }
  const faults = conflicts(data);
  if (faults.length > 0) throw new ConfigError(faults);
  return {
    host: data.HOST,
    port: data.PORT,
    production: data.NODE_ENV === "production",
    logLevel: data.LOG_LEVEL,
    database: {
      url: data.DATABASE_URL,
      dataDir: data.DATA_DIR,
      poolMin: data.DB_POOL_MIN,
      poolMax: data.DB_POOL_MAX,
    },
    redisUrl: data.REDIS_URL,
    signingSecret: data.JWT_SECRET_KEY,
    /** Seconds. */
    accessTokenTtl: data.ACCESS_TOKEN_TTL,
    /** Seconds. */
    refreshTokenTtl: data.REFRESH_TOKEN_TTL,
    /** Seconds from sign-in, however often the refresh token is renewed. */
    sessionMaxAge: data.SESSION_MAX_AGE,
    cookieSecure: data.COOKIE_SECURE,
    corsOrigins: data.CORS_ORIGINS,
    trustProxy: data.TRUST_PROXY,
    /** Attempts a minute for each endpoint and client address. */
    rateLimits: {
      register: data.RATE_LIMIT_REGISTER,
      login: data.RATE_LIMIT_LOGIN,
      refresh: data.RATE_LIMIT_REFRESH,
    },
  };
};

export type Config = ReturnType<typeof parseConfig>;
