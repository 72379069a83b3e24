import { ConfigError, parseConfig } from "@taskwire/server/config.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const secret = "0f".repeat(31) + "a9";
const problemsOf = (env: Record<string, string | undefined>): readonly string[] => {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

test("an empty environment yields the defaults", () => {
  expect(parseConfig({})).toEqual({
    host: "127.0.0.1",
    port: 8000,
    keepAliveTimeout: 72,
    drainDelay: 0,
    production: false,
    logLevel: "info",
    database: { url: undefined, dataDir: ".data", poolMin: 2, poolMax: 5 },
    redisUrl: undefined,
    signingSecret: undefined,
    previousSecrets: [],
    privateKey: undefined,
    publicKeys: [],
    tokenClaims: { issuer: undefined, audience: undefined },
    accessTokenTtl: 900,
    refreshTokenTtl: 604_800,
    sessionMaxAge: 2_592_000,
    cookieSecure: true,
    cookieSameSite: "strict",
    corsOrigins: [
      "http://localhost:3000",
      "http://localhost:5173",
      "http://localhost:8080",
      "http://localhost:8000",
    ],
    trustProxy: undefined,
    rateLimits: { register: 5, login: 5, refresh: 10 },
    callLimits: { perUser: 60_000, perAddress: 300_000 },
  });
});

test("an empty value counts as unset", () => {
  expect(parseConfig({ PORT: "", DATABASE_URL: " ", JWT_SECRET_KEY: "" })).toEqual(parseConfig({}));
});

test("an environment with several invalid variables is reported with all their names at once", () => {
  const problems = problemsOf({
    PORT: "abc",
    LOG_LEVEL: "loud",
    DATABASE_URL: "mysql://x",
    COOKIE_SECURE: "yes",
    TRUST_PROXY: "1",
    RATE_LIMIT_LOGIN: "0",
  });
  expect(problems.map((fault) => fault.split(" ")[0])).toEqual([
    "PORT",
    "LOG_LEVEL",
    "DATABASE_URL",
    "COOKIE_SECURE",
    "TRUST_PROXY",
    "RATE_LIMIT_LOGIN",
  ]);
});

describe("in production, the database", () => {
  const production = { NODE_ENV: "production", JWT_SECRET_KEY: secret };

  test.each([
    {},
    { DATABASE_URL: "", DATA_DIR: " " },
    { DATABASE_URL: undefined, DATA_DIR: undefined },
  ])("must be named: %j is rejected", (env) => {
    expect(problemsOf({ ...production, ...env })).toEqual([
      "DATABASE_URL, or DATA_DIR for the embedded database, is required with NODE_ENV=production",
    ]);
  });

  const url = "postgresql://localhost/x";

  test.each([
    [{ DATABASE_URL: url }, { url }],
    [{ DATA_DIR: "/data" }, { url: undefined, dataDir: "/data" }],
    // The default, but set on purpose.
    [{ DATA_DIR: ".data" }, { url: undefined, dataDir: ".data" }],
  ])("named by %j is %j", (env, database) => {
    expect(parseConfig({ ...production, ...env }).database).toMatchObject(database);
  });
});

test("DRAIN_DELAY is 5 in production and 0 otherwise, unless it is set", () => {
  const production = { NODE_ENV: "production", JWT_SECRET_KEY: secret, DATA_DIR: "/data" };
  expect(parseConfig(production).drainDelay).toBe(5);
  expect(parseConfig({ ...production, DRAIN_DELAY: "0" }).drainDelay).toBe(0);
  expect(parseConfig({ DRAIN_DELAY: "3" }).drainDelay).toBe(3);
  // The whole stop takes 15 s at most.
  expect(problemsOf({ DRAIN_DELAY: "6" })).toEqual([
    "DRAIN_DELAY must be a whole number from 0 to 5",
  ]);
});

describe("JWT_SECRET_KEY", () => {
  const url = "postgresql://localhost/x";

  test("is required with PostgreSQL and in production", () => {
    expect(problemsOf({ DATABASE_URL: url })).toEqual([
      expect.stringMatching(/^JWT_SECRET_KEY is required with DATABASE_URL/),
    ]);
    expect(problemsOf({ NODE_ENV: "production", DATA_DIR: "/data" })).toEqual([
      expect.stringMatching(/^JWT_SECRET_KEY is required with NODE_ENV=production/),
    ]);
    expect(
      problemsOf({ DATABASE_URL: url, JWT_SECRET_KEY: secret, NODE_ENV: "production" }),
    ).toEqual([]);
  });

  test.each(["short", "a".repeat(63), "g".repeat(64), `${"a".repeat(64)} `, "secret".repeat(20)])(
    "%j is rejected without being quoted",
    (value) => {
      const problems = problemsOf({ JWT_SECRET_KEY: value });
      expect(problems).toEqual([expect.stringMatching(/^JWT_SECRET_KEY must be at least 64 hex/)]);
      expect(problems.join()).not.toContain(value);
    },
  );

  const mixedCase = `${"deadbeef".repeat(7)}DeadBEEF`;
  test.each(["0".repeat(64), "deadbeef".repeat(8), "0123456789abcdef".repeat(4), mixedCase])(
    "in production a secret of repeated blocks such as %s is rejected",
    (value) => {
      expect(
        problemsOf({ JWT_SECRET_KEY: value, NODE_ENV: "production", DATA_DIR: "/data" }),
      ).toEqual([expect.stringMatching(/^JWT_SECRET_KEY must be random/)]);
    },
  );
});

describe.each(["JWT_ISSUER", "JWT_AUDIENCE"])("%s", (name) => {
  test.each(["a", "https://auth.example.com/", "Zürich, \u{1F389} 1", "x".repeat(255)])(
    "accepts %s",
    (text) => {
      const { issuer, audience } = parseConfig({ [name]: text }).tokenClaims;
      expect({ JWT_ISSUER: issuer, JWT_AUDIENCE: audience }).toEqual({
        JWT_ISSUER: undefined,
        JWT_AUDIENCE: undefined,
        [name]: text,
      });
    },
  );

  test.each(["x".repeat(256), "a\nb", "a\tb", "a\0", "\u200B", "a\u2028", "\uD800"])(
    "rejects %j",
    (text) => {
      expect(problemsOf({ [name]: text })).toEqual([
        `${name} must be 1 to 255 printable characters`,
      ]);
    },
  );
});

describe("CORS_ORIGINS", () => {
  test.each([
    ["https://a.example, http://localhost:3000 ,", ["https://a.example", "http://localhost:3000"]],
    ['["https://a.example"]', ["https://a.example"]],
    ["*", ["*"]],
  ])("accepts %s", (text, expected) => {
    expect(parseConfig({ CORS_ORIGINS: text }).corsOrigins).toEqual(expected);
  });

  test.each([
    "a.example",
    "https://a.example/",
    "https://a.example/path",
    "ftp://a.example",
    "[1]",
    '["x"',
    "https://u:p@a.example",
  ])("rejects %s", (text) => {
    expect(problemsOf({ CORS_ORIGINS: text })).toEqual([
      expect.stringMatching(/^CORS_ORIGINS must /),
    ]);
  });

  test("rejects * in production", () => {
    expect(
      problemsOf({
        CORS_ORIGINS: "*",
        NODE_ENV: "production",
        JWT_SECRET_KEY: secret,
        DATA_DIR: "/data",
      }),
    ).toEqual(["CORS_ORIGINS must not contain * with NODE_ENV=production"]);
  });
});

describe("COOKIE_SAME_SITE", () => {
  test.each(["strict", "lax", "none"])("accepts %s", (value) => {
    const env = { COOKIE_SAME_SITE: value, CORS_ORIGINS: "https://a.example" };
    expect(parseConfig(env).cookieSameSite).toBe(value);
  });

  test.each(["None", "no", "true"])("rejects %s", (value) => {
    expect(problemsOf({ COOKIE_SAME_SITE: value })).toEqual([
      "COOKIE_SAME_SITE must be one of: strict, lax, none",
    ]);
  });

  const listed = { COOKIE_SAME_SITE: "none", CORS_ORIGINS: "https://a.example" };
  const unlisted =
    "CORS_ORIGINS must list the origins of the pages, without *, with COOKIE_SAME_SITE=none";
  const insecure =
    "COOKIE_SAME_SITE=none requires COOKIE_SECURE=true: browsers reject the cookie otherwise";

  test.each([
    [{ COOKIE_SECURE: "false" }, [insecure]],
    [{ CORS_ORIGINS: undefined }, [unlisted]],
    [{ CORS_ORIGINS: "" }, [unlisted]],
    [{ CORS_ORIGINS: "," }, [unlisted]],
    [{ CORS_ORIGINS: "[]" }, [unlisted]],
    [{ CORS_ORIGINS: "*" }, [unlisted]],
    [{ CORS_ORIGINS: "https://a.example,*" }, [unlisted]],
    [{ COOKIE_SECURE: "false", CORS_ORIGINS: "*" }, [insecure, unlisted]],
  ])("none with %j is rejected", (env, problems) => {
    expect(problemsOf({ ...listed, ...env })).toEqual(problems);
  });
});

describe("TRUST_PROXY", () => {
  test.each([
    ["127.0.0.1", ["127.0.0.1"]],
    ["10.0.0.0/8, ::1", ["10.0.0.0/8", "::1"]],
    ["2001:db8::/32", ["2001:db8::/32"]],
  ])("parses %s to %j", (text, expected) => {
    expect(parseConfig({ TRUST_PROXY: text }).trustProxy).toEqual(expected);
  });

  test.each([
    "1",
    "true",
    "loopback",
    "0.0.0.0/0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0/8",
    "::/0",
    "1.2.3.4/8/8",
    ",",
  ])("rejects %s", (text) => {
    expect(problemsOf({ TRUST_PROXY: text })).toEqual([
      expect.stringMatching(/^TRUST_PROXY must list/),
    ]);
  });
});

describe("REDIS_URL", () => {
  test.each(["redis://localhost", "rediss://u:p%40@[::1]:6380/1", "redis://:p@h:1/"])(
    "accepts %s, unchanged",
    (text) => {
      expect(parseConfig({ REDIS_URL: text }).redisUrl).toBe(text);
    },
  );

  test.each(["localhost:6379", "redis:x", "redis://", "redis://:%@h", "redis://h/x", "http://h"])(
    "rejects %s",
    (text) => {
      expect(problemsOf({ REDIS_URL: text })).toEqual([
        "REDIS_URL must be a URL like redis://user:password@host:6379/0",
      ]);
    },
  );
});

test.each(["1e3", "0x10", "-1", "1.5", "65536", " 8000", "8000 ", "99999999999"])(
  "PORT=%j is rejected",
  (text) => {
    expect(problemsOf({ PORT: text })).toEqual(["PORT must be a whole number from 0 to 65535"]);
  },
);

test("METRICS_PORT equal to PORT is rejected, unless both mean any free port", () => {
  expect(problemsOf({ METRICS_PORT: "8000" })).toEqual([
    "METRICS_PORT must not be the same as PORT",
  ]);
  expect(problemsOf({ METRICS_PORT: "0", PORT: "0" })).toEqual([]);
});

test("OTEL_EXPORTER_OTLP_ENDPOINT that is no URL of an HTTP server is rejected", () => {
  for (const text of ["collector:4318", "grpc://collector:4317", "http://collector:4318?x=1"])
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: text })).toEqual([
      "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL like http://collector:4318",
    ]);
});

test("DB_POOL_MIN greater than DB_POOL_MAX is rejected", () => {
  expect(problemsOf({ DB_POOL_MIN: "6" })).toEqual([
    "DB_POOL_MIN must not be greater than DB_POOL_MAX",
  ]);
});

test("no error message contains the value of a variable", () => {
  const names = Object.keys({
    PORT: 1,
    DATABASE_URL: 1,
    REDIS_URL: 1,
    JWT_SECRET_KEY: 1,
    CORS_ORIGINS: 1,
    TRUST_PROXY: 1,
    LOG_LEVEL: 1,
  });
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.stringMatching(/^[Q-Z]{12,40}$/), (name, value) => {
      expect(problemsOf({ [name]: value }).join("\n")).not.toContain(value);
    }),
  );
});
