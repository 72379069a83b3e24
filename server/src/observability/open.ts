import type { Config } from "../config.ts";
import type { Sources } from "./attach.ts";
import type { Metrics } from "./metrics.ts";

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
