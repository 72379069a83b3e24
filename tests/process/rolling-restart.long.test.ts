import { expect, test } from "vitest";
import { programOf, proxySetups } from "../support/external/reverse-proxy.ts";
import { skipsWithout } from "../support/setup/requirements.ts";
import { rollingRestart } from "../support/faults/rolling-restart.ts";

for (const proxy of proxySetups)
  test.skipIf(skipsWithout(programOf(proxy)) || skipsWithout("openssl"))(
    `while three servers behind ${proxy} restart one after another, no request fails, and no acknowledged write is lost`,
    async () => {
      const { sent, failures, complaints, exits, lost } = await rollingRestart({ proxy, rate: 25 });
      const reasons = failures.length > 0 ? complaints : [];
      expect({ failures, reasons, exits, lost }).toEqual({
        failures: [],
        reasons: [],
        exits: [0, 0, 0],
        lost: 0,
      });
      expect(sent).toBeGreaterThan(0);
    },
  );
