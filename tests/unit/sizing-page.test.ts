import { environment } from "@taskwire/server/config.ts";
import { describe, expect, test } from "vitest";
import { textOf } from "../support/docs/documents.ts";

const page = textOf("docs/operations/sizing.md");
const text = page.replaceAll(/\s+/g, " ");

describe("docs/operations/sizing.md", () => {
  test("has the default of DB_POOL_MAX, and the connections that the code opens", () => {
    expect(text).toContain(`\`DB_POOL_MAX\` (${environment.shape.DB_POOL_MAX.parse(undefined)})`);
    expect(textOf("server/src/db/probe.ts")).toContain("max: 1,");
    // Two for `migrate`, and one for the check at the start.
    expect(textOf("server/src/db/timeouts.ts")).toContain("max: 1,");
    expect(textOf("server/src/cli/migrate.ts")).toContain("poolMin: 0, poolMax: 2");
    expect(text).toContain("| 3: the check, the lock");
  });

  test.each([5, 10])("has the servers for 100 connections with DB_POOL_MAX = %i", (poolMax) => {
    const used = (servers: number): number => (servers + 1) * (poolMax + 1) + 1 + 3 + 5;
    let servers = 0;
    while (used(servers + 1) <= 100 - 3) servers++;
    expect(text).toMatch(
      new RegExp(`\`DB_POOL_MAX = ${poolMax}\` (?:this|it) is N ≤ ${servers}: `),
    );
    expect(text).toContain(` × ${poolMax + 1} + 9 = ${used(servers)}`);
  });

  test("adds up the bytes of 1,000,000 tasks, of which each user has 100", () => {
    const rows = page
      .split("\n")
      .filter((line) => /^\| `[a-z_]+` +\| \d/.test(line))
      .map((line) => line.replaceAll(",", "").match(/\d+/g)?.map(Number) ?? []);
    expect(rows).toHaveLength(5);
    let total = 0;
    for (const [table = 0, indexes = 0, together = 0, count = 0] of rows) {
      expect(table + indexes).toBe(together);
      total += together * count;
    }
    expect(text).toContain(`Together ${Math.round(total / 1e7) * 10} MB for 1,000,000 tasks`);
    expect(text).toContain(`A user with 100 tasks has ${Math.round(total / 1e4 / 1e3)} kB`);
  });

  test("has the memory of a password hash", () => {
    const [, kibibytes] =
      /memoryCost: ([\d_]+)/.exec(textOf("server/src/security/password-hashing.ts")) ?? [];
    expect(text).toContain(`${Number(kibibytes?.replaceAll("_", "")) / 1024} MiB while it runs`);
  });
});
