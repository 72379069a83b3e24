// Failed requests while three servers restart one after another behind a proxy, at 100 requests a second:
// node tests/load/rolling-restart.ts [RUNS] [PROXY] [DRAIN_DELAY]
// PROXY is "haproxy without retries", "haproxy", "nginx" or "caddy"; by default all of them, one after another.
// Starts its own PostgreSQL, servers and proxy. Exits with 1 if a request failed or an acknowledged write was lost.
import { loadavg } from "node:os";
import { proxySetups } from "../support/external/reverse-proxy.ts";
import { rollingRestart } from "../support/faults/rolling-restart.ts";

const [runs = "5", only = "", delay = "5"] = process.argv.slice(2);

for (const proxy of proxySetups.filter((setup) => only === "" || setup === only)) {
  for (let run = 1; run <= Number(runs); run++) {
    const result = await rollingRestart({ proxy, rate: 100, env: { DRAIN_DELAY: delay } });
    const { sent, failures, exits, lost, complaints } = result;
    const load = loadavg().map((average) => average.toFixed(1));
    console.log(
      `${proxy}, run ${run}: ${sent} requests, ${failures.length} failed, ${lost} writes lost, exit codes ${exits.join(", ")}, load average ${load.join(" ")}`,
    );
    if (failures.length > 0)
      for (const line of [...failures.slice(0, 12), ...complaints.slice(0, 30)])
        console.log(`  ${line.slice(0, 300)}`);
    if (failures.length > 0 || lost > 0) process.exitCode = 1;
  }
}
