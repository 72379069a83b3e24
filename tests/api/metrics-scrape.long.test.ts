import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEnvironment, startServerInState } from "../support/conformance/environments.ts";
import { exchanges } from "../support/conformance/exchanges.ts";
import { transports } from "../support/client/transports.ts";
import { send } from "../support/client/http.ts";
import { root } from "../support/docs/documents.ts";
import { samplesIn } from "../support/metrics/samples.ts";
import { proceduresOf } from "@taskwire/server/rpc/meta.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { skipsWithout } from "../support/setup/requirements.ts";

const maxSeries = 2000;

/** promtool prints what is wrong, and exits with a code other than 0. */
const promtool = (args: readonly string[], input = "") => {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
  return { status, output: stdout + stderr };
};

describe.skipIf(skipsWithout("promtool"))("promtool", () => {
  test("finds nothing wrong with a scrape after every procedure succeeded and failed, which has at most 2,000 series", async () => {
    const server = await startServerInState("healthy", { METRICS_PORT: "0" });
    try {
      for (const { serverState, procedure, times, input, options, modify } of exchanges) {
        if (serverState !== "healthy") continue;
        for (const transport of transports) {
          const environment = await createEnvironment(serverState, server);
          const body = await input(environment);
          const request = transport.request(procedure, body, options(environment));
          for (let i = 0; i < times; i++) await send(server.url, modify(request));
        }
      }
      const { text = "" } = (await server.deps.metrics?.scrape()) ?? {};
      const samples = samplesIn(text);
      const called = samples.filter(
        ({ name }) => name === "rpc_server_call_duration_seconds_count",
      );
      for (const [procedure] of proceduresOf(appRouter))
        expect(called.map(({ labels }) => labels["rpc_method"])).toContain(procedure);
      expect(samples.length).toBeLessThanOrEqual(maxSeries);
      expect(promtool(["check", "metrics"], text)).toEqual({ status: 0, output: "" });
    } finally {
      await server.close();
    }
  });

  test("accepts the alert rules", () => {
    const checked = promtool(["check", "rules", join(root, "docs/operations/alerts.yml")]);
    expect(checked).toMatchObject({ status: 0 });
    expect(checked.output).toMatch(/SUCCESS: 13 rules found/);
  });
});
