import { expect, test } from "vitest";
import { skipsWithout } from "../support/setup/requirements.ts";
import { rollingRestart } from "../support/faults/rolling-restart.ts";

test.skipIf(skipsWithout("haproxy"))(
  "while three servers behind haproxy restart one after another, no request fails, and no acknowledged write is lost",
  async () => {
    const results = [];
    for (const retries of ["without", "with"] as const)
      results.push(await rollingRestart({ retries, rate: 25 }));
    for (const { sent, complaints, ...rest } of results) {
      expect(rest, complaints.join("\n")).toEqual({ failures: [], exits: [0, 0, 0], lost: 0 });
      expect(sent).toBeGreaterThan(0);
    }
  },
);
