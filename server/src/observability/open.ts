import type { Config } from "../config.ts";
import type { Sources } from "./attach.ts";
import { observePool, poolOf } from "../db/observe-pool.ts";
import type { Orm } from "../db/orm.ts";
import type { Metrics } from "./metrics.ts";
import type { Tracing } from "./tracing.ts";

/** Creates the metrics if METRICS_PORT is set. Otherwise their library is not loaded. */
export const openMetrics = async (
  { metricsPort }: Pick<Config, "metricsPort">,
  sources: Sources,
): Promise<(Metrics & { stop: () => void }) | undefined> => {
  if (metricsPort === undefined) return undefined;
  const [{ createMetrics }, { attachMetrics }] = await Promise.all([
    import("./metrics.ts"),
    import("./attach.ts"),
  ]);
  const metrics = createMetrics();
  return { ...metrics, stop: await attachMetrics(metrics, sources) };
};

/** Starts tracing if OTEL_EXPORTER_OTLP_ENDPOINT is set. Otherwise its library is not loaded. */
export const openTracing = async ({
  tracesEndpoint,
}: Pick<Config, "tracesEndpoint">): Promise<Tracing | undefined> => {
  if (tracesEndpoint === undefined) return undefined;
  const { startTracing } = await import("./tracing.ts");
  return startTracing(tracesEndpoint);
};

/** Makes a span of each statement that a call sends. */
export const traceStatements = async (
  { beginStatement }: Tracing,
  orm: Pick<Orm, "em">,
): Promise<void> => observePool(await poolOf(orm), { sent: beginStatement });
