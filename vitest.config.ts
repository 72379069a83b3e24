import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** What needs a database runs on both, from the same files, but for what only one of them can do. */
const onDatabase = (database: "pglite" | "postgres") => ({
  extends: true as const,
  test: {
    name: database,
    include: ["tests/api/**/*.test.ts", "tests/db/**/*.test.ts", `tests/${database}/**/*.test.ts`],
    provide: { database },
  },
});

// No package brings Redis for every platform. CI installs it, and there the tests fail without.
const needsRedis = "tests/faults/redis.test.ts";
const lacksRedis =
  process.env["CI"] === undefined && spawnSync("redis-server", ["--version"]).error !== undefined;
if (lacksRedis) {
  console.warn(
    `No redis-server in the path, so ${needsRedis} is left out. Install it: apt-get install redis-server`,
  );
}

export default defineConfig({
  test: {
    globalSetup: "tests/support/setup/global-setup.ts",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than cores: what injects faults mostly waits.
    maxWorkers: availableParallelism() + 1,
    isolate: false,
    reporters: ["default", "./tests/support/setup/summary-reporter.ts"],
    projects: [
      { extends: true, test: { name: "unit", include: ["tests/unit/**/*.test.ts"] } },
      {
        extends: true,
        // Each starts processes, some a dozen one after the other: slow where the machine has much else to do.
        test: { name: "process", include: ["tests/process/**/*.test.ts"], testTimeout: 120_000 },
      },
      // Compares the databases, and so needs both at once.
      { extends: true, test: { name: "agreement", include: ["tests/agreement/**/*.test.ts"] } },
      {
        extends: true,
        // Takes away what the server needs, and gives it back.
        test: {
          name: "faults",
          include: ["tests/faults/**/*.test.ts"],
          exclude: lacksRedis ? [needsRedis] : [],
          testTimeout: 60_000,
          provide: { database: "postgres" as const },
        },
      },
      onDatabase("pglite"),
      onDatabase("postgres"),
    ],
  },
});
