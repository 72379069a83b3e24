import { flushCompileCache } from "node:module";
import type { FastifyInstance } from "fastify";
import type { Config } from "../config.ts";
import { readConfig, run } from "./executable.ts";
import { stopWithGrace } from "./stop.ts";
import { openOutput } from "../log/output.ts";
import { createLogger } from "../logger.ts";
import { openTracing } from "../observability/open.ts";
import type { Deps } from "../deps.ts";
import { OperatorError, reasonOf } from "../errors.ts";

const listen = async (app: FastifyInstance, { host, port }: Config): Promise<string> => {
  try {
    return await app.listen({ host, port, listenTextResolver: (at) => `Listening at ${at}` });
  } catch (cause) {
    throw new OperatorError(
      `Cannot listen (${reasonOf(cause)}). Set HOST and PORT to an address that is free.`,
      { cause },
    );
  }
};

/** Serves the metrics, if METRICS_PORT is set. @returns a function that closes their port */
const listenForMetrics = async ({ config, log, metrics }: Deps): Promise<() => void> => {
  const { host, metricsPort: port } = config;
  if (metrics === undefined || port === undefined) return () => {};
  const { listenForScrapes } = await import("../http/metrics-listener.ts");
  try {
    const { url, close } = await listenForScrapes(metrics, { host, port });
    log.info(`Metrics at ${url}`);
    return close;
  } catch (cause) {
    throw new OperatorError(
      `Cannot listen for metrics (${reasonOf(cause)}). Set METRICS_PORT to a port that is free.`,
      { cause },
    );
  }
};

run(async () => {
  const config = readConfig();
  const tracing = await openTracing(config);
  const log = createLogger(config.logLevel, await openOutput(config), tracing?.logFields);
  // The database drivers take long to load: imported here, so that an invalid configuration is reported before that.
  const { createDeps } = await import("../deps.ts");
  // While the database opens, the rest is loaded.
  const [deps, { buildApp }, { startHousekeeping }] = await Promise.all([
    createDeps(config, log, { tracing }),
    import("../app.ts"),
    import("../jobs/housekeeping.ts"),
  ]);
  let closeMetrics = (): void => {};
  try {
    const app = await buildApp(deps);
    closeMetrics = await listenForMetrics(deps);
    app.addHook("onClose", async () => closeMetrics());
    const address = await listen(app, config);
    const housekeeping = startHousekeeping(deps);
    stopWithGrace({ app, deps, housekeeping });
    // To a browser, a page at localhost is of another site than a server at 127.0.0.1, and its cookie would not be kept.
    const url = address.replace(/\/\/(?:127\.0\.0\.1|\[::1\]):/, "//localhost:");
    log.info(`REST at ${url}/api/v1 (documentation: ${url}/docs), tRPC at ${url}/trpc`);
    // Not at the exit, which may be a crash.
    flushCompileCache();
  } catch (error) {
    closeMetrics();
    await deps.close();
    throw error;
  }
});
