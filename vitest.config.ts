import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { skipsWithout } from "./tests/support/setup/requirements.ts";
import SlowestFirst from "./tests/support/setup/slowest-first.ts";

/** How much to run: `pnpm test` runs "test", `pnpm test:all` "all", and `pnpm test:times` "times". */
type Mode = "test" | "all" | "times";

/** More random runs, and in "times" the comparison of measured times with the promised ones. */
const environments: Record<Mode, Record<string, string>> = {
  test: {
    FUZZ_RUNS: "2",
    FUZZ_STRIDE: "30",
    FUZZ_TARGETS: "2",
    MODEL_SEQUENCES: "2",
    SESSION_RUNS: "20",
    TAB_RUNS: "20",
    SEARCH_PAGE_STRIDE: "12",
  },
  all: {},
  times: { PROMISED_TIMES: "1" },
};

/** What "test" runs on the embedded database too, beside `tests/pglite`: the schema, and what differs with one connection. */
const onPgliteToo = ["tests/db/schema", "tests/api/readiness"].map((path) => `${path}.test.ts`);

// No npm package contains Redis for every platform.
const needsRedis = "tests/faults/redis.test.ts";
const lacksRedis = skipsWithout("redis-server");
if (lacksRedis) {
  console.warn(
    `No redis-server in the path, so ${needsRedis} is skipped. Install it: apt-get install redis-server`,
  );
}

export default defineConfig(({ mode }) => {
  // Vitest passes the name after --mode, and "test" without it.
  const isLong = mode === "all" || mode === "times";
  const long = isLong ? [] : ["**/*.long.test.ts"];
  const given = Object.fromEntries(
    Object.entries(environments[isLong ? mode : "test"]).filter(
      ([name]) => process.env[name] === undefined,
    ),
  );
  return {
    test: {
      env: given,
      globalSetup: "tests/support/setup/global-setup.ts",
      // These limits only end what hangs: no test measures time by them, and a machine under load may need minutes.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 60_000, interval: 20 } },
      // Two more than cores: most tests wait for a database or a process.
      maxWorkers: availableParallelism() + 2,
      isolate: false,
      sequence: { sequencer: SlowestFirst },
      reporters: ["default", "./tests/support/setup/summary-reporter.ts"],
      projects: [
        {
          extends: true,
          test: { name: "unit", include: ["tests/unit/**/*.test.ts"], exclude: long },
        },
        {
          extends: true,
          // Each test starts processes, some of them a dozen one after another: slow on a machine under load.
          test: {
            name: "process",
            include: ["tests/process/**/*.test.ts"],
            exclude: long,
            testTimeout: 300_000,
          },
        },
        {
          extends: true,
          test: {
            name: "e2e",
            include: ["tests/e2e/**/*.test.ts"],
            exclude: long,
            testTimeout: 300_000,
            provide: { database: "postgres" as const },
          },
        },
        {
          extends: true,
          test: {
            name: "example",
            include: ["client/examples/react/test/**/*.test.tsx"],
            environment: "happy-dom",
          },
        },
        // Installs from the registry, which may take minutes.
        {
          extends: true,
          test: {
            name: "package",
            include: ["tests/package/**/*.test.ts"],
            exclude: long,
            testTimeout: 300_000,
          },
        },
        // Compares the two databases, so it needs both at once.
        { extends: true, test: { name: "agreement", include: ["tests/agreement/**/*.test.ts"] } },
        {
          extends: true,
          // These tests inject faults and wait for the recovery: load would delay it, so in a long run they come after all others.
          test: {
            name: "faults",
            include: ["tests/faults/**/*.test.ts"],
            exclude: [...long, ...(lacksRedis ? [needsRedis] : [])],
            testTimeout: 300_000,
            provide: { database: "postgres" as const },
            sequence: { groupOrder: isLong ? 1 : 0 },
          },
        },
        {
          extends: true,
          test: {
            name: "pglite",
            include: [
              "tests/pglite/**/*.test.ts",
              ...(isLong ? ["tests/api/**/*.test.ts", "tests/db/**/*.test.ts"] : onPgliteToo),
            ],
            exclude: long,
            provide: { database: "pglite" as const },
          },
        },
        {
          extends: true,
          test: {
            name: "postgres",
            include: [
              "tests/db/**/*.test.ts",
              "tests/postgres/**/*.test.ts",
              "tests/api/**/*.test.ts",
            ],
            exclude: long,
            provide: { database: "postgres" as const },
          },
        },
      ],
    },
  };
});
