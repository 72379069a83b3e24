import closeWithGrace from "close-with-grace";
import { parseConfig } from "./config.ts";
import { fail, loadEnvFile } from "./executable.ts";
import { createLogger } from "./logger.ts";

const start = async (): Promise<void> => {
  loadEnvFile();
  const config = parseConfig(process.env);
  const log = createLogger(config.logLevel);
  // Loaded now, so that a wrong configuration is told before the second that the database drivers take to load.
  const [{ createDeps }, { buildApp }] = await Promise.all([
    import("./deps.ts"),
    import("./app.ts"),
  ]);
  const deps = await createDeps(config, log);
  try {
    const app = await buildApp(deps);
    const address = await app.listen({
      host: config.host,
      port: config.port,
      listenTextResolver: (at) => `Listening at ${at}`,
    });
    log.info(`REST at ${address}/api/v1 (documentation: ${address}/docs), tRPC at ${address}/trpc`);
    closeWithGrace({ delay: 10_000, logger: false }, async ({ err, signal }) => {
      if (err === undefined) log.info({ signal }, "Stopping");
      else log.fatal({ err }, "Stopping after an error that nothing caught");
      await app.close();
      await deps.close();
    });
  } catch (error) {
    await deps.close();
    throw error;
  }
};

start().catch(fail);
