// Failed requests while three servers restart one after another behind haproxy, at 100 requests a second:
// node tests/load/rolling-restart.ts [RUNS] [DRAIN_DELAY]
// Starts its own PostgreSQL, servers and haproxy. Exits with 1 if a request failed or an acknowledged write was lost.
import { rollingRestart } from "../support/faults/rolling-restart.ts";

const [runs = "5", delay = "5"] = process.argv.slice(2);

for (const retries of ["without", "with"] as const) {
  for (let run = 1; run <= Number(runs); run++) {
    const { sent, failures, exits, lost, complaints } = await rollingRestart({
      retries,
      rate: 100,
      env: { DRAIN_DELAY: delay },
    });
    console.log(
      `${retries} retries, run ${run}: ${sent} requests, ${failures.length} failed, ${lost} writes lost, exit codes ${exits.join(", ")}`,
    );
    for (const line of [...failures.slice(0, 10), ...complaints.slice(0, 10)])
      console.log(`  ${line}`);
    if (failures.length > 0 || lost > 0) process.exitCode = 1;
  }
}
