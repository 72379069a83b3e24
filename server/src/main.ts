import type { FastifyInstance } from "fastify";
import { type Config, parseConfig } from "./config.ts";
import { loadEnvFile, run } from "./cli/executable.ts";
import { stopWithGrace } from "./cli/stop.ts";
import { createLogger } from "./logger.ts";
import { OperatorError, reasonOf } from "./errors.ts";

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

run(async () => {
  loadEnvFile();
  const config = parseConfig(process.env);
  const log = createLogger(config.logLevel);
  // The database drivers take a second to load: imported here, so that an invalid configuration is reported before that.
  const [{ createDeps }, { buildApp }, { startHousekeeping }] = await Promise.all([
    import("./deps.ts"),
    import("./app.ts"),
    import("./jobs/housekeeping.ts"),
  ]);
  const deps = await createDeps(config, log);
  try {
    const app = await buildApp(deps);
    const address = await listen(app, config);
    const housekeeping = startHousekeeping(deps);
    stopWithGrace(log, async () => {
      housekeeping.stop();
      try {
        await app.close();
      } finally {
        await deps.close();
      }
    });
    // To a browser, a page at localhost is of another site than a server at 127.0.0.1, and its cookie would not be kept.
    const url = address.replace(/\/\/(?:127\.0\.0\.1|\[::1\]):/, "//localhost:");
    log.info(`REST at ${url}/api/v1 (documentation: ${url}/docs), tRPC at ${url}/trpc`);
  } catch (error) {
    await deps.close();
    throw error;
  }
});
