import { expect, test } from "vitest";
import { skipsWithout } from "../support/setup/requirements.ts";
import { rollingRestart } from "../support/faults/rolling-restart.ts";

test.skipIf(skipsWithout("haproxy"))(
  "while three servers behind haproxy restart one after another, no request fails, and no acknowledged write is lost",
  async () => {
    const results = [];
    for (const retries of ["without", "with"] as const)
      results.push(await rollingRestart({ retries, rate: 25 }));
    for (const { sent, failures, complaints, exits, lost } of results) {
      const reasons = failures.length > 0 ? complaints : [];
      expect({ failures, reasons, exits, lost }).toEqual({
        failures: [],
        reasons: [],
        exits: [0, 0, 0],
        lost: 0,
      });
      expect(sent).toBeGreaterThan(0);
    }
  },
);
