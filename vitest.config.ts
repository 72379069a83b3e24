import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Tests that need a database run on both, from the same files; `tests/postgres` needs what only PostgreSQL has. */
const onDatabase = (database: "pglite" | "postgres") => ({
  extends: true as const,
  test: {
    name: database,
    include: ["tests/api/**/*.test.ts", "tests/db/**/*.test.ts", `tests/${database}/**/*.test.ts`],
    provide: { database },
  },
});

// No npm package contains Redis for every platform. CI installs it; there, the tests fail without it.
const needsRedis = "tests/faults/redis.test.ts";
const lacksRedis =
  process.env["CI"] === undefined && spawnSync("redis-server", ["--version"]).error !== undefined;
if (lacksRedis) {
  console.warn(
    `No redis-server in the path, so ${needsRedis} is skipped. Install it: apt-get install redis-server`,
  );
}

export default defineConfig({
  test: {
    globalSetup: "tests/support/setup/global-setup.ts",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than cores: most tests wait for a database or a process.
    maxWorkers: availableParallelism() + 1,
    isolate: false,
    reporters: ["default", "./tests/support/setup/summary-reporter.ts"],
    projects: [
      { extends: true, test: { name: "unit", include: ["tests/unit/**/*.test.ts"] } },
      {
        extends: true,
        // Each test starts processes, some of them a dozen one after another: slow on a machine under load.
        test: { name: "process", include: ["tests/process/**/*.test.ts"], testTimeout: 120_000 },
      },
      // Compares the two databases, so it needs both at once.
      { extends: true, test: { name: "agreement", include: ["tests/agreement/**/*.test.ts"] } },
      {
        extends: true,
        // These tests inject faults and measure the recovery, so they run after all others: load would count as a fault.
        test: {
          name: "faults",
          include: ["tests/faults/**/*.test.ts"],
          exclude: lacksRedis ? [needsRedis] : [],
          testTimeout: 60_000,
          provide: { database: "postgres" as const },
          sequence: { groupOrder: 1 },
        },
      },
      onDatabase("pglite"),
      onDatabase("postgres"),
    ],
  },
});
