import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";
import type { Metrics } from "./metrics.ts";

/** Milliseconds between two samples of the event loop's delay. A sample costs a few microseconds. */
const resolution = 20;

const nanosecondsPerSecond = 1e9;
const microsecondsPerSecond = 1e6;

/**
 * Measures the process: event loop, heap, memory, CPU time. prom-client's own default metrics have other names than the
 * convention's.
 * @returns a function that stops it
 */
export const measureProcess = ({ beforeScrape }: Metrics): (() => void) => {
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  let utilization = performance.eventLoopUtilization();
  let cpu = { user: 0, system: 0 };
  // The histogram contains the interval of its own timer.
  const seconds = (nanoseconds: number): number =>
    Math.max(0, nanoseconds - resolution * 1e6) / nanosecondsPerSecond;
  beforeScrape((gauges, counters) => {
    if (delay.count > 0) {
      gauges.nodejs_eventloop_delay_p50_seconds.set(seconds(delay.percentile(50)));
      gauges.nodejs_eventloop_delay_p99_seconds.set(seconds(delay.percentile(99)));
      gauges.nodejs_eventloop_delay_max_seconds.set(seconds(delay.max));
      delay.reset();
    }
    const now = performance.eventLoopUtilization();
    gauges.nodejs_eventloop_utilization_ratio.set(
      performance.eventLoopUtilization(now, utilization).utilization,
    );
    utilization = now;
    for (const space of getHeapSpaceStatistics())
      gauges.v8js_memory_heap_used_bytes.set(
        { v8js_heap_space_name: space.space_name },
        space.space_used_size,
      );
    gauges.v8js_memory_heap_limit_bytes.set(getHeapStatistics().heap_size_limit);
    gauges.process_memory_usage_bytes.set(process.memoryUsage.rss());
    gauges.process_uptime_seconds.set(process.uptime());
    const usage = process.cpuUsage();
    for (const mode of ["user", "system"] as const)
      counters.process_cpu_time_seconds_total.inc(
        { cpu_mode: mode },
        (usage[mode] - cpu[mode]) / microsecondsPerSecond,
      );
    cpu = usage;
  });
  return () => delay.disable();
};
